"""Questions about motion and history."""

from __future__ import annotations

from ....plan.language import plan_word
from . import english
from .composer import Composer, NounPhrase, Unsuitable
from .families import ComposedQuestion, extreme, family

_KINDS = ("label", "class", "thing", "head")


def _lively(c: Composer) -> None:
    quiet = all((i.path_length_m or 0) < 0.05 and (i.first_seen_s or 0) < 0.1 and i.visible for i in c.twin.instances)
    if quiet and c.rng.random() < 0.93:
        raise Unsuitable("nothing happens here")


def _whose(c: Composer) -> NounPhrase:
    if c.rng.random() < 0.6:
        return c.phrase("any", kinds=("thing",))
    return c.phrase("any", kinds=_KINDS)


@family("temporal", 20)
def motion(c: Composer) -> ComposedQuestion:
    _lively(c)
    x = _whose(c)
    section = c.rng.choice(
        ["moving_one", "moving_many", "still", "moved", "toward_camera", "toward_camera", "from_camera", "entered_many"]
    )
    operator = {
        "moving_one": "moving({})", "moving_many": "moving({})", "still": "still({})", "moved": "moved({})",
        "toward_camera": "approaching({}, camera)", "from_camera": "receding({}, camera)",
        "entered_many": "entered({})",
    }[section]  # fmt: skip
    text = c.form(section, x)
    name = c.step(operator.format(x.name))
    words = {"moved": "that moved", "toward_camera": "coming closer", "from_camera": "going away", "still": "at rest"}
    state = words.get(section, "new in view" if section == "entered_many" else "in motion")
    return ComposedQuestion(text, name, f"the {x.plural} {state}", 1, c.rng.random() < 0.3)


@family("temporal", 15)
def motion_order(c: Composer) -> ComposedQuestion:
    _lively(c)
    x = _whose(c)
    if len(x.ids) < 2:
        raise Unsuitable("no choice")
    key = c.rng.choice(["speed", "-speed", "path", "first_seen", "first_seen"])
    section = {"speed": "fastest", "-speed": "slowest", "path": "path_max", "first_seen": "newest"}[key]
    text = c.form(section, x)
    source = x.name
    if key == "-speed" and source == "all":  # what stands is not slow
        source = c.step("moving(all)")
    words = {"speed": "fastest", "-speed": "slowest", "path": "longest way", "first_seen": "latest first seen"}[key]
    return ComposedQuestion(text, extreme(c, source, key), f"of the {x.plural}, the {words}", 2)


@family("temporal", 15)
def departed(c: Composer) -> ComposedQuestion:
    gone = [i for i in c.twin.instances if not i.visible]
    if not gone:
        if c.rng.random() < 0.97:
            raise Unsuitable("nothing left")
        x = NounPhrase("thing", "things", "all", ())
        return ComposedQuestion(c.form("gone_one", x), c.step("left_view(all)"), "what left the view", 1, True)
    section = "gone_one" if len(gone) == 1 else c.rng.choice(["gone_one", "gone_many"])
    label = c.rng.choice(gone).label
    noun = c.nouns.get(label)
    words = c.rng.choice(["thing", "object", label, *(noun.is_a if noun else ())])
    anything = words in ("thing", "object")
    text = c.form(section, NounPhrase(words, english.plural(words), "all" if anything else "gone", ()))
    if anything:
        return ComposedQuestion(text, c.step("left_view(all)"), "what left the view", 1)
    if words == label:
        name = c.step(f"filter(gone, label={plan_word(label)})")
    else:
        fitting = [i.label for i in gone if i.label in c.nouns and words in c.nouns[i.label].is_a]
        name = c.step(c.like(words, fitting, among="gone"))
    return ComposedQuestion(text, name, f"of what left the view, the {words}", 2)


@family("temporal", 13)
def toward_something(c: Composer) -> ComposedQuestion:
    _lively(c)
    ref = c.phrase("one", kinds=("label", "color_label", "class"))
    x = _whose(c)
    section, operator = c.rng.choice([("toward", "approaching"), ("away", "receding")])
    name = c.step(f"{operator}({x.name}, {ref.name})")
    return ComposedQuestion(c.form(section, x, r=ref.words), name, f"the {x.words} {operator} the {ref.words}", 2)


@family("compositional", 12)
def moving_then(c: Composer) -> ComposedQuestion:
    """'what the moving thing is nearest to', 'with its load'."""
    moving = c.step("moving(all)")
    if len(c.ids(moving)) != 1:
        raise Unsuitable("not one moving thing")
    words = c.rng.choice(["moving thing", "thing that is moving", "one on the move", "thing in motion"])
    if c.rng.random() < 0.5:
        load = c.step(f"supported_by(all, {moving})")
        name = c.step(f"union({moving}, {load})")
        if not c.ids(load):
            raise Unsuitable("no load")
        return ComposedQuestion(c.form("with_load", r=words), name, "what moves, and what it carries", 3)
    x = c.phrase("many", kinds=_KINDS)
    name = c.step(f"nearest({x.name}, {moving})")
    return ComposedQuestion(c.form("nearest", x, r=words), name, f"what moves; then the {x.words} nearest it", 3)
