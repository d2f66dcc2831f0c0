"""Words that are no label find a thing whose picture fits them; random weights, real export and embeddings."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytest.importorskip("transformers")
pytest.importorskip("nncf")

from tiny_siglip import prepared

from fastreasonseg_ros.cli import models
from fastreasonseg_ros.image_text.model import PROMPT, TextEncoder
from fastreasonseg_ros.image_text.vocabulary import Entry
from fastreasonseg_ros.plan.executor import execute
from fastreasonseg_ros.plan.operations import PICTURED
from fastreasonseg_ros.plan.parser import parse_rollout
from fastreasonseg_ros.reasoning import make_word_meaning
from fastreasonseg_ros.reasoning.language_models import install as installing
from fastreasonseg_ros.reasoning.printed_words import with_printed
from fastreasonseg_ros.reasoning.word_meaning import picture_words
from fastreasonseg_ros.reasoning.word_meaning.picture_words import PictureWords, picture_vocabulary
from fastreasonseg_ros.twin.types import DigitalTwin, Instance, PictureEmbedding

WORDS = tuple(map(Entry, ("mug", "bowl", "book", "can", "plate")))


@pytest.fixture(scope="module")
def exported(tmp_path_factory) -> Path:
    return prepared(tmp_path_factory.mktemp("siglip"), *WORDS)[1]


@pytest.fixture(scope="module")
def meaning():
    return make_word_meaning()


def looks_like(exported: Path, words: str) -> PictureEmbedding:
    """The picture that fits these words best of all: their own vector."""
    return PictureEmbedding(TextEncoder(exported).embed([PROMPT.format(words)])[0], str(exported))


def table(exported: Path) -> DigitalTwin:
    pictures = {"can": "salted peanuts", "object": "zebra", "mug": "mug"}
    return DigitalTwin(
        instances=tuple(
            Instance(id=n, label=label, picture=looks_like(exported, words))
            for n, (label, words) in enumerate(pictures.items(), 1)
        ),
        sequence=1,
    )


def test_a_phrase_fits_the_picture_that_no_other_word_fits_as_well(exported: Path):
    peanuts, mug = looks_like(exported, "salted peanuts"), looks_like(exported, "mug")
    fitting = PictureWords().fitting
    assert fitting("the salted peanuts", [peanuts, mug, None]) == (True, False, False)
    assert fitting("the mug", [peanuts, mug]) == (False, True)
    assert fitting("something to drink from", [mug]) == (False,)  # a need, which is not seen
    assert fitting("not the mug", [peanuts]) == (False,)
    assert fitting("the things", [peanuts, mug]) == (False, False)
    assert fitting("the mug", []) == ()


def test_pictures_of_a_model_that_is_gone_fit_nothing(exported: Path, tmp_path: Path):
    copy = Path(shutil.copytree(exported, tmp_path / "copy"))
    picture = looks_like(exported, "mug")
    shutil.rmtree(copy)
    assert PictureWords().fitting("the mug", [PictureEmbedding(picture.vector, str(copy))]) == (False,)


def test_like_takes_the_picture_where_no_label_says_so(exported: Path, meaning):
    def ids(text: str) -> tuple[tuple[int, ...], str]:
        run = execute(parse_rollout(f'Because.\na = like(all, "{text}")').plan, table(exported), meaning)
        return run.ids, run.trace[0].note

    assert ids("the zebra") == ((2,), PICTURED)
    assert ids("the salted peanuts") == ((1,), PICTURED)
    assert ids("the mug") == ((3,), "")  # by its label
    assert ids("the camera") != ((1,), PICTURED)


def test_a_plan_picks_by_picture_where_the_question_has_words_that_no_label_says(exported: Path, meaning):
    twin = table(exported)

    def after(question: str, written: str) -> str:
        return str(with_printed(parse_rollout(f"Because.\n{written}").plan, question, twin, meaning))

    assert after("where is the zebra?", "none") == 'a = like(all, "zebra")'
    assert after("where is the zebra?", "a = find(label=can)") == 'a = like(all, "zebra")'
    assert after("where is the mug?", "a = find(label=mug)") == "a = find(label=mug)"


def test_the_vocabulary_is_some_thousand_words_of_things_with_their_kinds():
    entries = {entry.label: entry for entry in picture_vocabulary()}
    assert 1500 < len(entries) < 4000
    assert {"mug", "peanuts", "corkscrew", "carving knife"} - {*entries} <= {"peanuts"}
    assert "knife" in entries["carving knife"].wider
    words = [word for entry in entries.values() for word in entry.words]
    assert not {*entries} & {s for entry in entries.values() for s in entry.synonyms}
    assert all(word == word.lower().strip() and len(word) < 40 for word in words)


def test_one_command_installs_a_folder_with_an_image_text_model(exported: Path, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("XDG_CACHE_HOME", str(exported.parents[1]))
    monkeypatch.setattr(picture_words, "picture_vocabulary", lambda: (*WORDS, Entry("zebra")))
    checkpoint = exported.parents[1] / "checkpoint"
    assert installing.is_image_text(checkpoint)
    assert models.main(["install", str(checkpoint)]) == 0
    assert f"installed in {exported}" in capsys.readouterr().out
    assert looks_like(exported, "zebra").vector.shape == (32,)
    assert len(list(exported.parent.glob("*-words-*/words.npz"))) == 2  # the newer one is taken
