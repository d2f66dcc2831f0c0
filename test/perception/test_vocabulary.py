"""What a perceiver is told to look for stays bounded, whoever asks and whatever is asked."""

from __future__ import annotations

import pytest

from fastreasonseg_ros.errors import ConfigError
from fastreasonseg_ros.perception.vocabulary import LONGEST_WORD, MOST_ASKED, MOST_SET, Vocabulary
from fastreasonseg_ros.twin.types import Frame, Perceived


class Open:
    """A perceiver that takes words, at most 500 letters of them."""

    words: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def perceive(self, frame: Frame) -> Perceived:
        return Perceived(())

    def set_vocabulary(self, words) -> None:
        if sum(map(len, words)) > 500:
            raise ConfigError("too many letters")
        self.told.append(tuple(words))
        self.words = ("mug", *words)


class Closed(Open):
    def set_vocabulary(self, words) -> None:
        raise ConfigError("fixed words")


def test_words_that_were_set_stay_and_those_of_questions_come_beside_them() -> None:
    perceiver = Open()
    vocabulary = Vocabulary(perceiver)
    assert vocabulary.set(["Fork", "spoon"]) == ("fork", "spoon")
    assert vocabulary.ask(["corkscrew", "fork"]) == ("corkscrew",)
    assert perceiver.told[-1] == vocabulary.words == ("fork", "spoon", "corkscrew")
    assert vocabulary.set(["knife"], add=True) == ("knife",)
    assert vocabulary.set(["knife"]) == ()
    assert vocabulary.words == ("knife", "corkscrew", "fork")  # fork was asked for too
    vocabulary.forget_asked()
    assert perceiver.told[-1] == ("knife",)


def test_what_is_looked_for_already_changes_nothing() -> None:
    perceiver = Open()
    vocabulary = Vocabulary(perceiver)
    vocabulary.ask(["corkscrew"])
    told = len(perceiver.told)
    assert vocabulary.ask(["Corkscrew"]) == ()
    assert vocabulary.ask([]) == ()
    assert len(perceiver.told) == told
    assert vocabulary.ask(["mug"]) == ()  # one of the perceiver's own


def test_however_many_questions_come_the_oldest_words_are_forgotten() -> None:
    perceiver = Open()
    vocabulary = Vocabulary(perceiver)
    vocabulary.set(["keep"])
    for n in range(500):
        vocabulary.ask([f"w{n}"])
        if n % 7 == 0:
            vocabulary.ask(["dear"])  # asked again and again: never the oldest
        assert len(vocabulary.words) <= MOST_ASKED + 1
    assert vocabulary.words[0] == "keep"
    assert {"dear", "w499"} <= set(vocabulary.words)
    assert "w0" not in perceiver.words
    vocabulary.ask([f"x{n}" for n in range(10_000)])
    assert len(vocabulary.words) == MOST_ASKED + 1


@pytest.mark.parametrize("word", ["", "  ", "?!", "x" * (LONGEST_WORD + 1), "\n"])
def test_what_is_no_word_is_refused_and_nothing_changes(word) -> None:
    vocabulary = Vocabulary(Open())
    vocabulary.ask(["fork"])
    with pytest.raises(ConfigError, match="is no word to look for"):
        vocabulary.ask(["spoon", word])
    assert vocabulary.words == ("fork",)


def test_what_the_perceiver_refuses_changes_nothing() -> None:
    vocabulary = Vocabulary(Open())
    vocabulary.ask(["fork"])
    with pytest.raises(ConfigError, match="too many letters"):
        vocabulary.set([f"{'y' * 50}{n}" for n in range(11)])
    with pytest.raises(ConfigError, match=f"at most {MOST_SET} are looked for"):
        vocabulary.set([f"y{n}" for n in range(MOST_SET + 1)])
    with pytest.raises(ConfigError, match="got no words"):
        vocabulary.set([])
    assert vocabulary.words == ("fork",)


def test_where_the_perceiver_reads_fewer_words_the_oldest_make_room() -> None:
    perceiver = Open()
    vocabulary = Vocabulary(perceiver)
    for n in range(40):  # of 50 letters each: ten fit
        vocabulary.ask([f"{n:050}"])
        assert perceiver.words[-1] == f"{n:050}"
    assert 3 < len(vocabulary.words) <= 10


def test_a_perceiver_with_fixed_words_says_so() -> None:
    vocabulary = Vocabulary(Closed())
    assert vocabulary.closed == "fixed words"
    with pytest.raises(ConfigError, match="fixed words"):
        vocabulary.ask(["fork"])
    assert vocabulary.words == ()
