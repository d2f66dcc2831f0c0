"""Questions about spatial relations: beside, before, between, on, under, in."""

from __future__ import annotations

from . import english
from .composer import Composer, NounPhrase, Unsuitable
from .families import KEY_WORDS, ComposedQuestion, extreme, family

_SIMPLE = ("left_of", "right_of", "in_front_of", "behind", "near", "above", "below")
NUMBERS = {2: "two", 3: "three", 4: "four"}
WHERE = {
    "left_of": ("left of", "to the left of", "on the left of"),
    "right_of": ("right of", "to the right of", "lying right of"),
    "in_front_of": ("in front of", "nearer to us than", "closer to the camera than"),
    "behind": ("behind", "further back than", "farther away than"),
    "near": ("near", "next to", "beside", "close to"),
    "above": ("higher than", "above"),
    "below": ("lower than", "below"),
    "nearest": ("nearest to", "closest to", "next to"),
    "farthest": ("farthest from", "furthest from"),
    "on": ("on", "on top of", "standing on", "sitting on"),
}
REF_KINDS = ("label", "color_label", "class", "use", "color", "head")


def reference(c: Composer, depth: int = 1) -> tuple[NounPhrase, int]:
    """A phrase for one reference object, sometimes selected among several itself; also its level."""
    draw = c.rng.random()
    if depth and draw < 0.22:
        x = c.phrase("many", kinds=("label", "class", "head", "color"))
        key = c.rng.choice([k for k in KEY_WORDS if k not in ("y", "-y")])
        sup, cmp = KEY_WORDS[key]
        words = c.rng.choice(cmp if len(x.ids) == 2 and c.rng.random() < 0.6 else sup)
        name = extreme(c, x.name, key)
        c.first.append(f"first the {words} {x.words}")
        words = f"{words} {x.words}"
        return NounPhrase(words, english.plural(words), name, c.ids(name)), 3
    if depth and draw < 0.36:  # 'the envelope right of the brown one'
        inner = c.phrase("one", kinds=REF_KINDS)
        x = c.phrase("many", kinds=("label", "head", "class"))
        relation = c.rng.choice(["left_of", "right_of", "in_front_of", "behind", "nearest", "on"])
        name = c.step(f"{relation}({x.name}, {inner.name})")
        if len(c.ids(name)) != 1:
            raise Unsuitable("not one")
        words = f"{x.words} {c.rng.choice(WHERE[relation])} the {inner.words}"
        c.first.append(f"first the {words}")
        return NounPhrase(words, words, name, c.ids(name)), 3
    return c.phrase("one", kinds=REF_KINDS), 2


def asked(c: Composer, avoid: tuple[int, ...]) -> NounPhrase:
    """The requested objects: mostly any, or of a kind."""
    if c.rng.random() < 0.4:
        return c.phrase("many", kinds=("thing",))
    return c.phrase("any", kinds=("label", "class", "head", "color_label", "color"))


def _about(c: Composer, relation: str, picks_one: bool = False) -> ComposedQuestion:
    ref, level = reference(c)
    x = asked(c, ref.ids)
    name = c.step(f"{relation}({x.name}, {ref.name})")
    if picks_one and not set(x.ids) - set(ref.ids):
        raise Unsuitable("only the reference itself")
    count = len(c.ids(name))
    slots = {"r": ref.words, "where": c.rng.choice(WHERE[relation])}
    if count > 1 and c.rng.random() < 0.7:
        section = "relation_all" if x.name == "all" and c.rng.random() < 0.6 else "relation_many"
        text = c.form(section, x, k=NUMBERS.get(count, "several"), **slots)
    elif not picks_one and x.name != "all" and c.rng.random() < 0.15:
        text = c.form("relation_check", x, **slots)
    else:
        text = c.form(relation, x, r=ref.words)
    extra = 1 if x.name != "all" and x.implied else 0
    words = relation.replace("_", " ")
    empty = "is there" in text or "any" in text or c.rng.random() < 0.1
    reason = f"the {x.words} {words} {'it' if len(ref.words.split()) > 4 else 'the ' + ref.words}"
    return ComposedQuestion(text, name, reason, min(3, level + extra), empty)


@family("spatial", 12)
def beside(c: Composer) -> ComposedQuestion:
    return _about(c, c.rng.choice(_SIMPLE))


@family("spatial", 9)
def nearest_to(c: Composer) -> ComposedQuestion:
    return _about(c, "nearest", picks_one=True)


@family("spatial", 2)
def farthest_from(c: Composer) -> ComposedQuestion:
    return _about(c, "farthest", picks_one=True)


@family("spatial", 4)
def between_two(c: Composer) -> ComposedQuestion:
    ref = c.phrase("one", kinds=REF_KINDS)
    other = c.phrase("one", kinds=REF_KINDS, avoid=ref.ids)
    x = asked(c, ref.ids + other.ids)
    name = c.step(f"between({x.name}, {ref.name}, {other.name})")
    text = c.form("between", x, r=ref.words, q=other.words)
    return ComposedQuestion(text, name, f"the {x.words} between the {ref.words} and the {other.words}", 2)


@family("spatial", 28)
def resting(c: Composer) -> ComposedQuestion:
    relation = c.rng.choice(["on", "on", "under", "under", "supported_by", "inside", "contains"])
    ids = {(r.object if relation in ("on", "supported_by", "inside") else r.subject) for r in c.twin.relations}
    if not ids:
        raise Unsuitable("nothing rests on anything")
    ref = c.phrase("one", kinds=REF_KINDS)
    if not set(ref.ids) & ids and c.rng.random() < 0.9:
        raise Unsuitable("nothing rests there")
    x = c.phrase("many", kinds=("thing",)) if c.rng.random() < 0.7 else asked(c, ref.ids)
    name = c.step(f"{relation}({x.name}, {ref.name})")
    count = len(c.ids(name))
    if relation == "on" and count > 1 and c.rng.random() < 0.7:
        text = c.form("relation_many", x, r=ref.words, k=NUMBERS.get(count, "several"), where=c.rng.choice(WHERE["on"]))
    elif relation == "on" and x.name != "all" and c.rng.random() < 0.25:
        text = c.form("relation_check", x, r=ref.words, where=c.rng.choice(WHERE["on"]))
    else:
        text = c.form(relation, x, r=ref.words)
    return ComposedQuestion(
        text, name, f"what is {relation.replace('_', ' ')} the {ref.words}", 2, c.rng.random() < 0.1
    )


@family("spatial", 14)
def pile(c: Composer) -> ComposedQuestion:
    """Positions in a stack, by `on` relations."""
    if not c.twin.relations:
        raise Unsuitable("no stack")
    x = c.phrase("many", kinds=("thing", "class", "head", "label"))
    section = c.rng.choice(["bottom", "top", "middle", "free", "on_any", "on_table"])
    if section == "on_any":
        name = c.step(f"on({x.name}, all)")
    elif section == "on_table":
        name = c.step(f"on({x.name}, table)")
    elif section == "free":
        name = c.step(f"minus({x.name}, {c.step('under(all, all)')})")
    elif section == "bottom":
        name = c.step(f"on({c.step(f'under({x.name}, all)')}, table)")
    else:
        above = c.step(f"on({x.name}, all)")
        carrying = c.step("under(all, all)")
        name = c.step(f"{'minus' if section == 'top' else 'intersect'}({above}, {carrying})")
    words = {"on_any": "on something else", "on_table": "on nothing else", "free": "with nothing on top"}
    place = words.get(section, f"at the {section} of the stack")
    return ComposedQuestion(c.form(section, x), name, f"the {x.words} {place}", 2)


@family("spatial", 6)
def one_of_a_pair(c: Composer) -> ComposedQuestion:
    """'the rear one of two cups', 'two bottles; which one is further left?'"""
    x = c.phrase("many", kinds=("label", "class", "head", "color", "color_label"))
    if len(x.ids) != 2:
        raise Unsuitable("not two")
    section, key = c.rng.choice(
        [("pair_left", "-x"), ("pair_right", "x"), ("pair_front", "-depth"), ("pair_back", "depth")]
    )
    words = {"-x": "left", "x": "right", "-depth": "front", "depth": "back"}[key]
    return ComposedQuestion(
        c.form(section, x), extreme(c, x.name, key), f"of the two {x.plural}, the one at the {words}", 2
    )


@family("spatial", 3)
def beside_several(c: Composer) -> ComposedQuestion:
    """'to the right of both mugs', 'behind all the boxes'."""
    ref = c.phrase("many", kinds=("label", "class", "head", "color_label"))
    x = asked(c, ref.ids)
    relation = c.rng.choice(["left_of", "right_of", "in_front_of", "behind"])
    name = c.step(f"{relation}({x.name}, {ref.name})")
    several = "both" if len(ref.ids) == 2 else "all the"
    text = c.form("beside_several", x, rs=f"{several} {ref.plural}", where=c.rng.choice(WHERE[relation]))
    return ComposedQuestion(text, name, f"the {x.words} {relation.replace('_', ' ')} {several} {ref.plural}", 2)
