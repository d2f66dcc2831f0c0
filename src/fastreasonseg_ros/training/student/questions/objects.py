"""Questions about labels, appearance, uses, and absent objects."""

from __future__ import annotations

from collections.abc import Sequence

from ....plan.language import plan_word
from ....reasoning.word_meaning.nouns import Noun
from ....reasoning.word_meaning.paraphrases import MATERIALS, has_material
from ....twin.types import COLORS
from . import english
from .composer import Composer, Unsuitable
from .families import ComposedQuestion, family, one_or_many

_UNSEEN = (
    "with a picture on it", "with the word 'BIO' on it", "with a flower pattern", "with stripes", "that I bought today",
    "with the black lid", "with writing on the front", "from yesterday", "that belongs to Anna", "with a sticker on it",
    "with the big letters", "that somebody left here", "with a scratch", "the one I told you about", "with the logo",
)  # fmt: skip
_COMMON_MATERIALS = 13  # at the start of the list; the others are rare
# Verb phrases of paraphrases.TAGS, to follow 'the one that'.
_TAGS = {
    "edible": ("can be eaten", "is edible", "is food"),
    "sharp": ("could cut me", "is sharp", "I should keep away from children because it cuts"),
    "electronic": ("needs electricity", "runs on power or batteries", "is electronic"),
    "fragile": ("breaks easily", "must not be dropped", "is fragile"),
    "wearable": ("can be worn", "I could put on"),
    "container": ("can hold things", "I could put something into", "is a container"),
    "soft": ("is soft", "feels soft"),
    "alive": ("is alive", "is a living being"),
    "heavy": ("is heavy", "is hard to lift"),
    "rolls": ("would roll away", "rolls off when nudged", "can roll"),
    "light_source": ("gives light", "can light up the room"),
    "holds_liquid": ("can hold water", "I could pour something into", "would hold a drink"),
    "hot": ("might burn me", "gets hot"),
    "sit_on": ("I could sit on", "one can sit on"),
    "read": ("can be read",),
    "write_with": ("writes", "I can write with"),
    "clean_with": ("is for cleaning", "helps to clean"),
    "flammable": ("burns easily", "could catch fire"),
    "toy": ("is a toy", "children play with"),
}


# --- what it is and how it looks ---------------------------------------------------------------------------------


@family("semantic", 8)
def by_name(c: Composer) -> ComposedQuestion:
    x = c.phrase(kinds=("label", "color_label", "head", "content"))
    text = one_or_many(c, x, "one", "many")
    if c.rng.random() < 0.07:  # an addition that is not in a twin, which plans ignore
        text = text.rstrip("?.") + " " + c.rng.choice(_UNSEEN)
    return ComposedQuestion(text, x.name, f"asked for the {x.words}", 1)


@family("attribute", 5)
def by_color(c: Composer) -> ComposedQuestion:
    color = c._some().color or ""
    name = c.step(f"find(color={color})")
    section = "color_one" if len(c.ids(name)) == 1 else "color_many"
    return ComposedQuestion(c.form(section, c=color), name, f"the colour is {color}", 1)


@family("semantic", 10)
def by_class(c: Composer) -> ComposedQuestion:
    x = c.phrase(kinds=("class",))
    return ComposedQuestion(
        one_or_many(c, x, "class_one", "class_many"), x.name, f"asked for what is {english.a(x.words)}", 1
    )


@family("attribute", 3)
def by_material(c: Composer) -> ComposedQuestion:
    material = c.rng.choice(list(MATERIALS)[:_COMMON_MATERIALS])
    x = c.of_kind(f"made of {material}", lambda n: has_material(material, n.material))
    section = "material_one" if len(x.ids) == 1 else "material_many"
    return ComposedQuestion(c.form(section, m=material), x.name, f"whatever is made of {material}", 2)


@family("affordance", 4)
def by_property(c: Composer) -> ComposedQuestion:
    tag = c.rng.choice(list(_TAGS))
    words = c.rng.choice(_TAGS[tag])
    x = c.of_kind(words, lambda n: tag in n.tags)
    section = "tag_one" if len(x.ids) == 1 else "tag_many"
    return ComposedQuestion(c.form(section, tag=words), x.name, f"whatever {words}", 2)


@family("attribute", 2)
def by_shape(c: Composer) -> ComposedQuestion:
    shape = c._some().shape or ""
    words = c.shape_word(shape)
    name = c.step(f"find(shape={shape})")
    if len(c.ids(name)) != 1:
        raise Unsuitable("several of that shape")
    return ComposedQuestion(c.form("shape_one", s=words), name, f"{words} means {shape}", 1)


@family("attribute", 3)
def by_pose(c: Composer) -> ComposedQuestion:
    x = c.phrase("many")
    pose = c.rng.choice(["upright", "lying"])
    name = c.step(f"filter({x.name}, pose={pose})") if x.name != "all" else c.step(f"find(pose={pose})")
    return ComposedQuestion(c.form(pose, x), name, f"of the {x.plural}, those {pose}", 2)


# --- what it is for ----------------------------------------------------------------------------------------------


@family("affordance", 10)
def by_use(c: Composer) -> ComposedQuestion:
    noun = c.noun(c._some().label)
    use = c.rng.choice(noun.uses)
    name = c.step(c.like(use, c.serving(use)))
    section = "use_one" if len(c.ids(name)) == 1 else "use_many"
    return ComposedQuestion(c.form(section, use=use, using=english.gerund(use)), name, f"something to {use}", 2)


@family("affordance", 16)
def by_need(c: Composer) -> ComposedQuestion:
    noun = c.noun(c._some().label)
    need = c.rng.choice(noun.needs)
    text = c.form("need", need=need.rstrip("?.!")) if c.rng.random() < 0.5 else need
    name = c.step(f"find(label={plan_word(noun.noun)})")
    return ComposedQuestion(text, name, f"they need to {c.rng.choice(noun.uses[:2])}, so the {noun.noun}", 3)


def none_of(c: Composer, absent: Sequence[Noun]) -> ComposedQuestion:
    """A question about an absent object."""
    noun = c.rng.choice(absent)
    shown = {c.nouns[i.label] for i in c.twin.instances if i.label in c.nouns}
    kin = set(noun.is_a) | {noun.category, noun.noun} | set(noun.synonyms)
    draw = c.rng.random()
    if draw < 0.5:
        heads = {label.split()[-1] for label in c.labels}
        if noun.noun in {s.noun for s in shown} or noun.noun.split()[-1] in heads:
            raise Unsuitable("it is there")
        words = c.rng.choice([noun.noun, noun.noun, *noun.synonyms])
        color = c.rng.choice(c.colors) if c.colors and c.rng.random() < 0.2 else None
        name = c.step(c.like(words, (), color))
        words = f"{color} {words}" if color else words
        text = c.form(c.rng.choice(["one", "one", "many"]), words)
        return ComposedQuestion(text, name, f"asked for {english.a(words)}", 1, may_be_empty=True)
    if any(kin & (set(s.is_a) | {s.category, s.noun}) for s in shown):
        raise Unsuitable("something like it is there")
    if draw < 0.62:
        word = c.rng.choice(noun.is_a)
        text = c.form("class_many", word)
        return ComposedQuestion(
            text, c.step(c.like(word, ())), f"asked for what is {english.a(word)}", 1, may_be_empty=True
        )
    if draw < 0.72:
        use = c.rng.choice(noun.uses)
        text = c.form("use_one", use=use, using=english.gerund(use))
        return ComposedQuestion(text, c.step(c.like(use, ())), f"something to {use}", 2, may_be_empty=True)
    return ComposedQuestion(c.rng.choice(noun.needs), None, f"that needs {english.a(noun.noun)}, and there is none", 3)


@family("semantic", 20)
def absent_thing(c: Composer) -> ComposedQuestion:
    return none_of(c, list(c.nouns.values()))


@family("attribute", 5)
def absent_color(c: Composer) -> ComposedQuestion:
    x = c.phrase(kinds=("label", "head", "class"))
    color = c.rng.choice(COLORS)
    if any(c.twin.instance(k).color == color for k in x.ids):
        raise Unsuitable("there is one")
    words = f"{color} {x.words}"
    text = c.form("one", words)
    if color not in c.colors:
        return ComposedQuestion(text, None, f"no {x.words} here is {color}", 1)
    name = c.step(f"filter({x.name}, color={color})")
    return ComposedQuestion(text, name, f"of the {x.plural}, those {color}", 1, may_be_empty=True)


@family("semantic", 4)
def contrast(c: Composer) -> ComposedQuestion:
    """'the tea, not the cereal': the rejected object is not part of the plan."""
    x = c.phrase(kinds=("label", "color_label", "head", "content", "class"))
    before = dict(c.steps)
    y = c.phrase(kinds=("label", "color_label", "content", "class", "head"), avoid=x.ids)
    c.steps = before
    return ComposedQuestion(
        c.form("contrast", x, y=y.words, ys=y.plural), x.name, f"the {x.words}, not the {y.words}", 2
    )
