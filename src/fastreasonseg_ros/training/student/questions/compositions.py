"""Composed questions: relations to a result, and exclusion from a set."""

from __future__ import annotations

from .composer import Composer, NounPhrase, Unsuitable
from .families import KEY_WORDS, ComposedQuestion, extreme, family
from .space import NUMBERS, REF_KINDS, asked, reference


@family("compositional", 3)
def nearest_apart_from(c: Composer) -> ComposedQuestion:
    """'without the cups, what is nearest to the kettle?'"""
    ref, _ = reference(c)
    y = c.phrase("any", kinds=("label", "color_label", "class", "color", "head"))
    rest = c.step(f"minus(all, {y.name})")
    name = c.step(f"nearest({rest}, {ref.name})")
    words = f"other {y.words}" if set(ref.ids) < set(y.ids) else y.words if len(y.ids) == 1 else y.plural
    return ComposedQuestion(
        c.form("nearest_apart", r=ref.words, y=words), name, f"without the {words}, the nearest to it", 3
    )


@family("compositional", 3)
def ignoring(c: Composer) -> ComposedQuestion:
    """'leave out the tea; of the others the tallest'."""
    y = c.phrase("any", kinds=("label", "color_label", "class", "color", "head"))
    key = c.rng.choice(list(KEY_WORDS))
    sup = c.rng.choice(KEY_WORDS[key][0])
    name = extreme(c, c.step(f"minus(all, {y.name})"), key)
    words = y.words if len(y.ids) == 1 else y.plural
    return ComposedQuestion(c.form("ignoring", "thing", y=words, sup=sup), name, f"without the {words}, the {sup}", 3)


@family("compositional", 6)
def one_then_order(c: Composer) -> ComposedQuestion:
    """'of the mugs left of the plate, the tallest'."""
    ref, _ = reference(c, depth=0)
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
    return ComposedQuestion(
        c.rng.choice(forms), extreme(c, found, key), f"the {x.plural} {where} the {ref.words}, then the {sup}", 3
    )


@family("compositional", 6)
def two_places(c: Composer) -> ComposedQuestion:
    """'in front of the box and to the left of the mug'."""
    x = asked(c, ())
    first, _ = reference(c, depth=0)
    second = c.phrase("one", kinds=REF_KINDS, avoid=first.ids)
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
    return ComposedQuestion(c.rng.choice(forms), name, f"{a} the {first.words}, and of those {b} the {second.words}", 3)


@family("compositional", 4)
def color_and_place(c: Composer) -> ComposedQuestion:
    """'the upright bottle on the left', 'of the lying cans, the one at the back'."""
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
    return ComposedQuestion(
        c.rng.choice(forms), extreme(c, found, key), f"the {pose} {x.plural}, then the one at the {words}", 3
    )


@family("compositional", 7)
def other_than(c: Composer) -> ComposedQuestion:
    """'everything except the tea', 'not the red one, the other one'."""
    x = c.phrase("any", kinds=("label", "color_label", "class", "color", "use"))
    if c.rng.random() < 0.5:
        name = c.step(f"minus(all, {x.name})")
        return ComposedQuestion(c.form("except", x), name, f"all but the {x.words}", 2)
    group = c.phrase("many", kinds=("thing",)) if c.rng.random() < 0.5 else c.phrase("many", kinds=("label", "class"))
    color = c.twin.instance(x.ids[0]).color or "red"
    name = c.step(f"minus({group.name}, {x.name})")
    if not set(x.ids) < set(group.ids) or len(c.ids(name)) != 1:
        raise Unsuitable("not the other one")
    text = c.form("other", x, n=group.words, ns=group.plural, c=color)
    if x.words not in text:
        raise Unsuitable("said by colour alone")
    return ComposedQuestion(text, name, f"the {group.plural} without the {x.words}", 2)


@family("compositional", 3)
def both(c: Composer) -> ComposedQuestion:
    x = c.phrase("any", kinds=("label", "color_label", "class", "head"))
    y = c.phrase("any", kinds=("label", "color_label", "class", "use"), avoid=x.ids)
    name = c.step(f"union({x.name}, {y.name})")
    return ComposedQuestion(c.form("both", x=x.words, y=y.words), name, f"the {x.words} and the {y.words}", 2)


@family("attribute", 2)
def same_color(c: Composer) -> ComposedQuestion:
    x = c.phrase("one", kinds=("label", "color_label"))
    color = c.twin.instance(x.ids[0]).color or "red"
    name = c.step(f"same(all, {x.name}, color)")
    return ComposedQuestion(c.form("same", x=x.words, c=color), name, f"same colour as the {x.words}", 2)


@family("compositional", 8)
def picked_then_place(c: Composer) -> ComposedQuestion:
    """'the biggest tin: what is under it?': a selection, then a relation to it."""
    x = c.phrase("many", kinds=("label", "class", "head", "color", "thing"))
    key = c.rng.choice(["-x", "x", "-depth", "depth", "volume", "-volume", "height", "-height"])
    name = extreme(c, x.name, key)
    phrases = {
        "-x": (f"{x.words} on the left", f"leftmost {x.words}", f"{x.words} at the far left"),
        "x": (f"{x.words} on the right", f"rightmost {x.words}", f"{x.words} at the far right"),
        "-depth": (f"{x.words} in front", f"nearest {x.words}", f"front {x.words}"),
        "depth": (f"{x.words} at the back", f"farthest {x.words}", f"{x.words} in the background"),
        "volume": (f"biggest {x.words}", f"big {x.words}"), "-volume": (f"smallest {x.words}", f"small {x.words}"),
        "height": (f"tallest {x.words}", f"tall {x.words}"), "-height": (f"lowest {x.words}", f"low {x.words}"),
    }  # fmt: skip
    words = c.rng.choice(phrases[key])
    ref = NounPhrase(words, words, name, c.ids(name))
    options = ["nearest", "left_of", "right_of", "in_front_of", "behind"]
    if c.twin.relations:
        options += ["under", "on", "under", "on", "supported_by", "inside"] * 2
    relation = c.rng.choice(options)
    y = (
        c.phrase("many", kinds=("thing",))
        if relation in ("under", "on", "supported_by", "inside")
        else asked(c, ref.ids)
    )
    found = c.step(f"{relation}({y.name}, {name})")
    text = c.form(relation, y, r=words)
    return ComposedQuestion(text, found, f"first the {words}; then the {y.words} {relation.replace('_', ' ')} it", 3)


@family("compositional", 6)
def group_then_pose(c: Composer) -> ComposedQuestion:
    """'three of the bottles are lying down. Among those, which is longest?'"""
    x = c.phrase("many", kinds=("label", "class", "head", "thing"))
    pose = c.rng.choice(["upright", "lying"])
    found = c.step(f"filter({x.name}, pose={pose})" if x.name != "all" else f"find(pose={pose})")
    count = len(c.ids(found))
    if not 2 <= count <= 4:
        raise Unsuitable("not a few")
    key = c.rng.choice(["height", "-height", "volume", "-volume", "-x", "x", "depth", "-depth"])
    sup, cmp = KEY_WORDS[key]
    chosen = c.rng.choice(cmp if count == 2 else sup)
    words = {"upright": ("upright", "standing"), "lying": ("lying down", "lying flat")}[pose]
    text = c.form("group_then", x, k=NUMBERS[count], state=c.rng.choice(words), cmp=chosen)
    return ComposedQuestion(text, extreme(c, found, key), f"the {x.plural} that are {words[0]}, then the {chosen}", 3)
