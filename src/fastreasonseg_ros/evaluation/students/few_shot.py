"""Prompts for a model that is not trained on the plan language: its description, and examples as chat turns."""

from __future__ import annotations

from collections.abc import Callable

from ...reasoning.prompting.prompt import instructed, question_turn, scene_turn
from ...reasoning.protocol import Hint, LanguageModel, plan_language

# (scene, question, nearest labels, reply): one of each kind of question; none is from a test set.
EXAMPLES = (
    (
        "2 mug: red, blue\nplate: white\nkettle: silver",
        "Something to drink from, the one nearest the plate",
        ("mug", "plate", "kettle"),
        "Drinking needs a mug; of those, the one nearest the plate.\na = find(label=mug)\nb = find(label=plate)\n"
        "c = nearest(a, b)",
    ),
    (
        "3 book: green, black\nlamp: white\nstapler: black",
        "what is black here?",
        ("lamp", "book", "stapler"),
        "Everything that is black.\na = find(color=black)",
    ),
    (
        "apple: red\nbanana: yellow\nhammer: brown\nbowl: white",
        "Which fruit is left of the bowl?",
        ("bowl", "banana", "apple"),
        "Fruit are the apple and the banana; of those, what is left of the bowl.\na = find(label=apple|banana)\n"
        "b = find(label=bowl)\nc = left_of(a, b)",
    ),
    (
        "2 box: brown\nball: orange\ncart: blue",
        "hand me the second tallest thing",
        ("cart", "box", "ball"),
        "The second by height.\na = nth(all, 2, height)",
    ),
    (
        "towel: white\nsoap: pink\nmirror: gray",
        "is there an umbrella?",
        ("towel", "mirror", "soap"),
        "No umbrella is in view.\nnone",
    ),
)


def zero_shot() -> str:
    """The description of the language, without an example."""
    return instructed("").partition("\n\nExample scene:")[0] + "<|im_end|>\n"


def few_shot() -> str:
    """The description, and five questions with their plans."""
    turns = (
        scene_turn(scene) + question_turn(q, Hint(near)) + f"{reply}<|im_end|>\n" for scene, q, near, reply in EXAMPLES
    )
    return zero_shot() + "".join(turns)


class Prefixed:
    """A language model that reads `prefix` before every prompt."""

    def __init__(self, model: LanguageModel, prefix: str) -> None:
        self.name, self._model, self._prefix = model.name, model, prefix
        self.plan_language = plan_language(model)

    def generate(self, prompt: str, grammar: str, on_text: Callable[[str], bool] | None = None) -> str:
        return self._model.generate(self._prefix + prompt, grammar, on_text)
