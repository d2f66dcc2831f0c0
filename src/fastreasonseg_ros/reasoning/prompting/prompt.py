"""The twin and the question as a language model reads them.

Only words, no numbers: the plan does the measuring, so the prompt is short, its first part is the same for every
question about one scene (and cached), and the student needs no arithmetic.
"""

from __future__ import annotations

import re

from ...plan.language import plan_word
from ...plan.operators import table, words_text
from ...twin.types import DigitalTwin
from ..protocol import NO_HINT, Hint

MAX_LABELS = 60
END = "<|im_end|>"  # after it a model has nothing to say

_SYSTEM = "<|im_start|>system\n"
_TURN = re.compile(r"<\|im_start\|>(\w+)\n(.*?)<\|im_end\|>", re.S)

_INSTRUCTIONS = """You answer questions about a scene with a short plan over its objects. First one line of \
reasoning, then one step a line, `name = operator(...)`, names a, b, c ...; the last step is the answer. \
If nothing in the scene fits, write `none` instead of steps. Sets: all (in view), gone (left the view). Operators:
{table}
{words}

Example scene:
mug: red, blue
plate: white
Q: Something to drink from, the one nearest the plate
Drinking needs a mug; of those, the one nearest the plate.
a = find(label=mug)
b = find(label=plate)
c = nearest(a, b)
"""


def scene_text(twin: DigitalTwin) -> str:
    """One line a label with the colours of its instances; a count where there are several; what left comes last."""
    lines = []
    for visible, prefix in ((True, ""), (False, "gone ")):
        groups: dict[str, list[str]] = {}
        for i in twin.instances:
            if i.visible == visible and (word := plan_word(i.label)):
                groups.setdefault(word, []).append(i.color or "")
        for label, colors in list(groups.items())[:MAX_LABELS]:
            count = f"{len(colors)} " if len(colors) > 1 else ""
            words = ", ".join(c for c in dict.fromkeys(colors) if c)
            lines.append(f"{prefix}{count}{label}" + (f": {words}" if words else ""))
    return "\n".join(lines) or "nothing"


def question_text(text: str) -> str:
    """The question on one line, without control characters or the template's own marks."""
    printable = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(printable.replace("<|", "< |").split())


def prompt(twin: DigitalTwin, question: str, hint: Hint = NO_HINT, instructions: bool = False) -> str:
    """ChatML prompt whose continuation is a rollout in its short form.

    hint: the labels nearest to the question in meaning (WordMeaning.hint). instructions: adds the language's
    description and an example, for models that were not trained on it.
    """
    text = scene_turn(scene_text(twin)) + question_turn(question, hint)
    return instructed(text) if instructions else text


def instructed(prompt: str) -> str:
    """The prompt with the language's description and an example before it, if it has none yet."""
    if prompt.startswith(_SYSTEM):
        return prompt
    return f"{_SYSTEM}{_INSTRUCTIONS.format(table=table(), words=words_text())}<|im_end|>\n{prompt}"


def messages(prompt: str) -> list[dict[str, str]]:
    """The prompt's finished turns as role and content, for chat endpoints and other models' templates."""
    return [{"role": role, "content": content} for role, content in _TURN.findall(prompt)]


def scene_turn(scene: str) -> str:
    """The part of the prompt that all questions about one scene share."""
    return f"<|im_start|>user\n{scene}\n"


def question_turn(question: str, hint: Hint = NO_HINT) -> str:
    """The rest of the prompt."""
    said = (f"\n{how}: {', '.join(map(plan_word, labels))}" for how, labels in hint._asdict().items() if labels)
    return f"Q: {question_text(question)}{''.join(said)}<|im_end|>\n<|im_start|>assistant\n"
