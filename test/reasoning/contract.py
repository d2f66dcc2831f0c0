"""What every language model must do, whichever backend runs it; each backend's tests call these with their model."""

from __future__ import annotations

import threading

import pytest

from fastreasonseg_ros.errors import ModelError
from fastreasonseg_ros.reasoning.protocol import LanguageModel

WORDS = ("yak", "zebra", "newt", "heron")


def several_threads_each_get_their_own_reply(model: LanguageModel, timeout_s: float = 600.0) -> None:
    replies: dict[str, str] = {}

    def ask(word: str) -> None:
        replies[word] = model.generate(f"Say {word}: ", f'root ::= "{word}"')

    threads = [threading.Thread(target=ask, args=(word,)) for word in WORDS]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=timeout_s)
    assert replies == {word: word for word in WORDS}


def what_the_listener_raises_comes_through_and_the_model_goes_on(model: LanguageModel) -> None:
    def listener(piece: str) -> bool:
        raise KeyError("listener")

    with pytest.raises(KeyError, match="listener"):
        model.generate("One, two, three,", "", listener)
    assert model.generate("x", 'root ::= "yak"') == "yak"


def a_grammar_that_is_none_is_a_model_error_and_the_model_goes_on(model: LanguageModel) -> None:
    with pytest.raises(ModelError, match="generation failed"):
        model.generate("x", "root ::= (((")
    assert model.generate("x", 'root ::= "yak"') == "yak"


PROMISES = (
    several_threads_each_get_their_own_reply,
    what_the_listener_raises_comes_through_and_the_model_goes_on,
    a_grammar_that_is_none_is_a_model_error_and_the_model_goes_on,
)
