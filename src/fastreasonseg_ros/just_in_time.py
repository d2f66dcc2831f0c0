"""The just-in-time twin: words that a question brings become words that perception looks for, before it is answered.

    answer = reason(twin, query, language_model, meaning)
    twin = look_again(answer, twin, frame, perceiver, vocabulary, meaning)      None: there is nothing to look for
    answer = reason(twin, query, language_model, meaning)

After Shen et al., JiT (arXiv 2503.21056), where the twin is made for one question; here it is kept, and grows by what
questions bring, within bounds. Over ROS the same steps run in two nodes (serving/open_vocabulary_retry.py).
"""

from __future__ import annotations

from .errors import ConfigError, FrameError, Status
from .perception.protocol import Perceiver
from .perception.vocabulary import Vocabulary
from .pipeline import observe, wanted_words
from .reasoning.protocol import WordMeaning
from .reasoning.word_meaning.noun_extraction import words_of
from .twin.tracking import with_new_words
from .twin.types import Answer, DigitalTwin, Frame


def missing_words(answer: Answer, twin: DigitalTwin, meaning: WordMeaning | None = None) -> tuple[str, ...]:
    """What perception should look for so that the question can be answered better; at most six nouns.

    Words of the plan's own `look_for` steps that gave nothing. Where nothing was found at all also those of empty
    `like` steps and of the question, as far as no label in view means the same; see
    reasoning/word_meaning/noun_extraction.py.
    """
    asked = wanted_words(answer)
    if asked or answer.status is not Status.NO_MATCH:
        return asked
    expressions = [step.expression for step in answer.trace if not step.ids and step.expression.startswith("like(")]
    texts = [expression.split('"')[1] for expression in expressions if expression.count('"') >= 2]
    labels = tuple(dict.fromkeys(i.label for i in twin.instances if i.visible))
    return words_of(answer.query.text, texts, labels, meaning)


def look_again(
    answer: Answer,
    twin: DigitalTwin,
    frame: Frame,
    perceiver: Perceiver,
    vocabulary: Vocabulary,
    meaning: WordMeaning | None = None,
) -> DigitalTwin | None:
    """The twin after the same frame was looked at for the words that the answer lacks.

    vocabulary: of the perceiver; it remembers the words. None where nothing is lacking, where all of it is looked for
    already, and where the perceiver takes no words, or not these.
    """
    if vocabulary.closed or not (words := missing_words(answer, twin, meaning)):
        return None
    try:
        if not vocabulary.ask(words):
            return None
        return observe(with_new_words(twin), frame, perceiver)
    except (ConfigError, FrameError):
        return None
