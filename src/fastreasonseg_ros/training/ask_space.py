"""Questions about place: beside, before, between, on, under, in; and compositions of them."""

from __future__ import annotations

from . import english
from .composer import Composer, NounPhrase, Unsuitable
from .families import KEY_WORDS, Said, extreme, family

_SIMPLE = ("left_of", "right_of", "in_front_of", "behind", "near", "above", "below")
_NUMBERS = {2: "two", 3: "three", 4: "four"}
_WHERE = {
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
_REF_KINDS = ("label", "color_label", "class", "use", "color", "head")


def _reference(c: Composer, depth: int = 1) -> tuple[NounPhrase, int]:
    """A phrase for one thing to measure from; sometimes it is itself picked out of several. Gives its level too."""
    draw = c.rng.random()
    if depth and draw < 0.22:
        x = c.phrase("many", kinds=("label", "class", "head", "color"))
        key = c.rng.choice([k for k in KEY_WORDS if k not in ("y", "-y")])
        sup, cmp = KEY_WORDS[key]
        words = c.rng.choice(cmp if len(x.ids) == 2 and c.rng.random() < 0.6 else sup)
        name = extreme(c, x.name, key)
        c.inferred.append(f"first the {words} {x.words}")
        words = f"{words} {x.words}"
        return NounPhrase(words, english.plural(words), name, c.ids(name)), 3
    if depth and draw < 0.36:  # 'the envelope right of the brown one'
        inner = c.phrase("one", kinds=_REF_KINDS)
        x = c.phrase("many", kinds=("label", "head", "class"))
        relation = c.rng.choice(["left_of", "right_of", "in_front_of", "behind", "nearest", "on"])
        name = c.step(f"{relation}({x.name}, {inner.name})")
        if len(c.ids(name)) != 1:
            raise Unsuitable("not one")
        words = f"{x.words} {c.rng.choice(_WHERE[relation])} the {inner.words}"
        c.inferred.append(f"first the {words}")
        return NounPhrase(words, words, name, c.ids(name)), 3
    return c.phrase("one", kinds=_REF_KINDS), 2


def _asked(c: Composer, avoid: tuple[int, ...]) -> NounPhrase:
    """What is asked for: mostly anything, or something of a kind."""
    if c.rng.random() < 0.4:
        return c.phrase("many", kinds=("thing",))
    return c.phrase("any", kinds=("label", "class", "head", "color_label", "color"))


def _about(c: Composer, relation: str, picks_one: bool = False) -> Said:
    ref, level = _reference(c)
    x = _asked(c, ref.ids)
    name = c.step(f"{relation}({x.name}, {ref.name})")
    if picks_one and not set(x.ids) - set(ref.ids):
        raise Unsuitable("only the reference itself")
    count = len(c.ids(name))
    slots = {"r": ref.words, "where": c.rng.choice(_WHERE[relation])}
    if count > 1 and c.rng.random() < 0.7:
        section = "relation_all" if x.name == "all" and c.rng.random() < 0.6 else "relation_many"
        text = c.form(section, x, k=_NUMBERS.get(count, "several"), **slots)
    elif not picks_one and x.name != "all" and c.rng.random() < 0.15:
        text = c.form("relation_check", x, **slots)
    else:
        text = c.form(relation, x, r=ref.words)
    extra = 1 if x.name != "all" and x.inferred else 0
    words = relation.replace("_", " ")
    empty = "is there" in text or "any" in text or c.rng.random() < 0.1
    said = f"the {x.words} {words} {'it' if len(ref.words.split()) > 4 else 'the ' + ref.words}"
    return Said(text, name, said, min(3, level + extra), empty)


@family("spatial", 12)
def beside(c: Composer) -> Said:
    return _about(c, c.rng.choice(_SIMPLE))


@family("spatial", 9)
def nearest_to(c: Composer) -> Said:
    return _about(c, "nearest", picks_one=True)


@family("compositional", 3)
def nearest_apart_from(c: Composer) -> Said:
    """'the shorter bottle; what is closest to it, apart from the other one?'"""
    ref, _ = _reference(c)
    y = c.phrase("any", kinds=("label", "color_label", "class", "color", "head"))
    rest = c.step(f"minus(all, {y.name})")
    name = c.step(f"nearest({rest}, {ref.name})")
    words = f"other {y.words}" if set(ref.ids) < set(y.ids) else y.words if len(y.ids) == 1 else y.plural
    return Said(c.form("nearest_apart", r=ref.words, y=words), name, f"without the {words}, the nearest to it", 3)


@family("compositional", 3)
def ignoring(c: Composer) -> Said:
    """'leave out the tea; of the others the tallest'."""
    y = c.phrase("any", kinds=("label", "color_label", "class", "color", "head"))
    key = c.rng.choice(list(KEY_WORDS))
    sup = c.rng.choice(KEY_WORDS[key][0])
    name = extreme(c, c.step(f"minus(all, {y.name})"), key)
    words = y.words if len(y.ids) == 1 else y.plural
    return Said(c.form("ignoring", "thing", y=words, sup=sup), name, f"without the {words}, the {sup}", 3)


@family("spatial", 2)
def farthest_from(c: Composer) -> Said:
    return _about(c, "farthest", picks_one=True)


@family("spatial", 4)
def between_two(c: Composer) -> Said:
    ref = c.phrase("one", kinds=_REF_KINDS)
    other = c.phrase("one", kinds=_REF_KINDS, avoid=ref.ids)
    x = _asked(c, ref.ids + other.ids)
    name = c.step(f"between({x.name}, {ref.name}, {other.name})")
    text = c.form("between", x, r=ref.words, q=other.words)
    return Said(text, name, f"the {x.words} between the {ref.words} and the {other.words}", 2)


@family("spatial", 14)
def resting(c: Composer) -> Said:
    relation = c.rng.choice(["on", "on", "under", "under", "supported_by", "inside", "contains"])
    ids = {(r.object if relation in ("on", "supported_by", "inside") else r.subject) for r in c.twin.relations}
    if not ids:
        raise Unsuitable("nothing rests on anything")
    ref = c.phrase("one", kinds=_REF_KINDS)
    if not set(ref.ids) & ids and c.rng.random() < 0.9:
        raise Unsuitable("nothing rests there")
    x = c.phrase("many", kinds=("thing",)) if c.rng.random() < 0.7 else _asked(c, ref.ids)
    name = c.step(f"{relation}({x.name}, {ref.name})")
    count = len(c.ids(name))
    if relation == "on" and count > 1 and c.rng.random() < 0.7:
        text = c.form(
            "relation_many", x, r=ref.words, k=_NUMBERS.get(count, "several"), where=c.rng.choice(_WHERE["on"])
        )
    elif relation == "on" and x.name != "all" and c.rng.random() < 0.25:
        text = c.form("relation_check", x, r=ref.words, where=c.rng.choice(_WHERE["on"]))
    else:
        text = c.form(relation, x, r=ref.words)
    return Said(text, name, f"what is {relation.replace('_', ' ')} the {ref.words}", 2, c.rng.random() < 0.1)


@family("spatial", 7)
def pile(c: Composer) -> Said:
    """Places in a stack, from who carries whom."""
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
    said = words.get(section, f"at the {section} of the stack")
    return Said(c.form(section, x), name, f"the {x.words} {said}", 2)


@family("compositional", 6)
def one_then_order(c: Composer) -> Said:
    """'of the mugs left of the plate, the tallest'."""
    ref, _ = _reference(c, depth=0)
    x = c.phrase("many", kinds=("label", "class", "head", "thing"))
    relation = c.rng.choice(["left_of", "right_of", "in_front_of", "behind", "near"])
    found = c.step(f"{relation}({x.name}, {ref.name})")
    if len(c.ids(found)) < 2:
        raise Unsuitable("too few")
    key = c.rng.choice(list(KEY_WORDS))
    sup = c.rng.choice(KEY_WORDS[key][0])
    place = {"left_of": "to the left of", "right_of": "to the right of", "in_front_of": "in front of", "near": "near"}
    where = place.get(relation, relation)
    forms = (
        f"of the {x.plural} {where} the {ref.words}, the {sup} one",
        f"the {sup} of the {x.plural} {where} the {ref.words}",
        f"look at the {x.plural} {where} the {ref.words} and give me the {sup}",
        f"which is the {sup} {x.words} {where} the {ref.words}?",
    )
    return Said(
        c.rng.choice(forms), extreme(c, found, key), f"the {x.plural} {where} the {ref.words}, then the {sup}", 3
    )


@family("compositional", 6)
def two_places(c: Composer) -> Said:
    """'in front of the box and to the left of the mug'."""
    x = _asked(c, ())
    first, _ = _reference(c, depth=0)
    second = c.phrase("one", kinds=_REF_KINDS, avoid=first.ids)
    words = {
        "left_of": ("to the left of", "left of"),
        "right_of": ("to the right of", "right of"),
        "in_front_of": ("in front of", "nearer to us than"),
        "behind": ("behind", "further back than", "farther away than"),
    }
    one, two = c.rng.sample(list(words), 2)
    found = c.step(f"{one}({x.name}, {first.name})")
    name = c.step(f"{two}({found}, {second.name})")
    a, b = c.rng.choice(words[one]), c.rng.choice(words[two])
    forms = (
        f"the {x.words} {a} the {first.words} and {b} the {second.words}",
        f"what {x.words} is {a} the {first.words} and also {b} the {second.words}?",
        f"which {x.words} stands {a} the {first.words} but {b} the {second.words}",
        f"the {x.words} that is both {a} the {first.words} and {b} the {second.words}",
    )
    return Said(c.rng.choice(forms), name, f"{a} the {first.words}, and of those {b} the {second.words}", 3)


@family("compositional", 4)
def color_and_place(c: Composer) -> Said:
    """'the tall red box on the left', 'the green box that is lying on its side'."""
    x = c.phrase("many", kinds=("label", "class", "head", "thing", "color"))
    pose = c.rng.choice(["upright", "lying"])
    found = c.step(f"filter({x.name}, pose={pose})")
    if len(c.ids(found)) < 2:
        raise Unsuitable("too few")
    key, words = c.rng.choice([("-x", "left"), ("x", "right"), ("-depth", "front"), ("depth", "back")])
    posture = c.rng.choice({"upright": ["upright", "standing"], "lying": ["lying", "flat-lying"]}[pose])
    forms = (
        f"the {posture} {x.words} on the {words}"
        if words in ("left", "right")
        else f"the {posture} {x.words} in the {words}",
        f"of the {posture} {x.plural}, the one at the {words}",
    )
    return Said(c.rng.choice(forms), extreme(c, found, key), f"the {pose} {x.plural}, then the one at the {words}", 3)


@family("compositional", 3)
def other_than(c: Composer) -> Said:
    """'everything except the tea', 'not the red one, the other one'."""
    x = c.phrase("any", kinds=("label", "color_label", "class", "color", "use"))
    if c.rng.random() < 0.5:
        name = c.step(f"minus(all, {x.name})")
        return Said(c.form("except", x), name, f"all but the {x.words}", 2)
    group = c.phrase("many", kinds=("thing",)) if c.rng.random() < 0.5 else c.phrase("many", kinds=("label", "class"))
    color = c.twin.instance(x.ids[0]).color or "red"
    name = c.step(f"minus({group.name}, {x.name})")
    if not set(x.ids) < set(group.ids) or len(c.ids(name)) != 1:
        raise Unsuitable("not the other one")
    text = c.form("other", x, n=group.words, ns=group.plural, c=color)
    if x.words not in text:
        raise Unsuitable("said by colour alone")
    return Said(text, name, f"the {group.plural} without the {x.words}", 2)


@family("compositional", 3)
def both(c: Composer) -> Said:
    x = c.phrase("any", kinds=("label", "color_label", "class", "head"))
    y = c.phrase("any", kinds=("label", "color_label", "class", "use"), avoid=x.ids)
    name = c.step(f"union({x.name}, {y.name})")
    return Said(c.form("both", x=x.words, y=y.words), name, f"the {x.words} and the {y.words}", 2)


@family("attribute", 2)
def same_color(c: Composer) -> Said:
    x = c.phrase("one", kinds=("label", "color_label"))
    color = c.twin.instance(x.ids[0]).color or "red"
    name = c.step(f"same(all, {x.name}, color)")
    return Said(c.form("same", x=x.words, c=color), name, f"same colour as the {x.words}", 2)
