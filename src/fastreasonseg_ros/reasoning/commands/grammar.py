"""Commands to move things, read from their words: what is to be taken, and where it is to go.

    read_commands("put the jam that stands in front into the lower basket")
    -> one command, with the reading (the jam that stands in front, inside, the lower basket)

Which preposition names the destination is ambiguous ("put the book on the shelf next to the lamp"). A command therefore
has several readings, likeliest first; planner.py decides between them by executing them on the twin, as people do
(Tanenhaus et al., Science 268, 1995: "put the apple on the towel in the box").
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from . import words as w
from .noun_phrases import ONE, head, with_noun, without_particles

READINGS = 4  # of one command
CAMERA, TABLE, BEFORE = "camera", "table", "before"


@dataclass(frozen=True)
class Reading:
    """One way to read a command.

    take, destination: noun phrases. relation: one of plan.operators.RELATIONS; empty, as is the destination, for a
    command that only takes. reference: `camera`, `table` or `before` in place of a destination. other: the
    destination is not what is taken ("the other shelf"). source, source_relations: where it is taken from or lies
    ("the pen in the holder", "off the shelf"), and the operators that may say so, likeliest first.
    """

    take: str
    relation: str = ""
    destination: str = ""
    reference: str = ""
    other: bool = False
    source: str = ""
    source_relations: tuple[str, ...] = ()


Command = tuple[Reading, ...]  # readings, likeliest first

_CLAUSE_END = re.compile(
    rf"(?:\s*[.;!?]+\s+|\s*,?\s+(?:and then|and after that|and|then|before|but first)\s+|\s*,\s+(?:then\s+|and\s+)?)"
    rf"(?={w.PREFIX}{w.VERB}\b)",
    re.I,
)
_START = re.compile(rf"^{w.PREFIX}(?P<verb>{w.VERB})\b(?P<rest>.*)$", re.I | re.S)
_FRONTED = re.compile(
    rf"^{w.PREFIX}(?P<where>{w.PREPOSITION.pattern} [^,]+),\s+(?P<what>{w.PREFIX}(?:{w.PLACE})\b.+)$", re.I
)
_DETERMINER = r"(?:the|a|an|all|both|my|your|that|this|those|these|every|everything)"
# "the blue mug, put it in the sink"; "the mug goes into the sink"
_TOPIC = re.compile(rf"^(?P<topic>{_DETERMINER} [^,.;:]+)[,.;:]\s+(?=(?:{w.PREFIX})(?:{w.VERB})\b)", re.I)
_BELONGS = re.compile(
    rf"^(?P<what>{_DETERMINER} [\w' -]+?(?<!that)(?<!which)(?<!who)(?<!should)(?<!must)(?<!can)(?<!to)) "
    r"(?:goes|go|belongs?|should (?:go|be|be put|be placed)|(?:needs?|has|have|ought) to (?:go|come|be put|be placed"
    rf"|be moved)|must (?:go|come)) (?=(?:back )?{w.PREPOSITION.pattern})",
    re.I,
)
_GAPPED = re.compile(
    r",?\s+and\s+(?:then\s+|also\s+)?(?=(?:the|a|an|all|both|that|my|your|every|everything|some)\b)", re.I
)
_ASKS = re.compile(r"(?:^|[.;:!?,]\s+)(?:which|what|who|whose|where|how|why|is|are|does|do|did|was|were)\b", re.I)
_GIVEN = re.compile(r"^(?:over\s+)?(?:to\s+)?(?:me|us)\s+(?P<what>.+)$", re.I)
_HERE = re.compile(r"^(?P<what>(?:(?! to ).)+?) (?:over |back )*here$", re.I)
# "put the cup back (where it was)", "put back the cup", "return the cup to where it came from"
_WHERE_IT_WAS = (
    r"where (?:it|they) (?:was|were|came from|stood|lay|belongs?|(?:has|have|had) been|used to (?:be|stand|lie))"
    r"(?: before)?"
)
_BACK = re.compile(
    rf"^(?:back (?P<after>.+)|(?P<what>.+?) (?:back (?:(?:to )?{_WHERE_IT_WAS}|in(?:to)? (?:its|their) place)"
    rf"|(?:to )?{_WHERE_IT_WAS}|back|to (?:its|their) (?:old |former |original |previous )?place))$",
    re.I,
)
_PUT = re.compile(w.verbs("put set place stand lay hang stick pop return"), re.I)
_GIVEN_TO = re.compile(
    r"^(?P<who>the (?!other\b)[\w'-]+(?: (?!of\b)[\w'-]+)?) (?P<what>(?:the|a|an|some|his|her|their) .+)$", re.I
)
_WITH = re.compile(r"^(?P<where>.+?) with (?P<what>.+)$", re.I)
_SOURCE = re.compile(
    r"^(?P<what>.+?) (?:(?:that|which)(?: is|'s| are| lies| stands| sits) )?"
    r"(?:(?P<under>from (?:under|underneath|beneath|below))|(?P<behind>from behind)|"
    r"(?P<inside>out of|from inside(?: of)?|from within|inside(?: of)?|in)"
    r"|(?P<on>off of|off|from the top of|from on(?: top of)?|down from|on top of|on)|(?P<either>from))"
    r" (?P<where>(?:the|a|my|your|that|this|its|his|her)\b.+)$",
    re.I,
)
_SOURCE_RELATIONS = {
    "under": ("under",),
    "behind": ("behind",),
    "inside": ("inside", "on"),
    "on": ("on", "inside"),
    "either": ("on", "inside"),
}
_POLITE = re.compile(r",? (?:please|now|for me|thanks|thank you|if you can|will you|would you|okay|carefully)$", re.I)
_OTHER = re.compile(r"\b(?:the other|another|the remaining)\b", re.I)


def only_takes(commands: tuple[Command, ...]) -> bool:
    """Whether it is one command whose destination is the asker ("bring me the cup"): its words are one question."""
    return len(commands) == 1 and commands[0][0].reference == CAMERA


def read_commands(text: str) -> tuple[Command, ...]:
    """The commands of a sentence in their order; empty where it is a question, or takes something and no more.

    >>> [c[0].take for c in read_commands("Put the cup on the tray and the spoon into the drawer.")]
    ['the cup', 'the spoon']
    """
    sentence = re.sub(r"\s+", " ", text.replace("\u2019", "'")).strip(" .!?\"'")
    sentence = w.INTERJECTION.sub("", sentence)
    if _ASKS.search(sentence):
        return ()
    sentence = _FRONTED.sub(r"\g<what> \g<where>", sentence)
    commands: list[Command] = []
    sentence = _BELONGS.sub(r"put \g<what> ", sentence)
    topic = _TOPIC.match(sentence)
    before = topic["topic"] if topic else ""  # the noun phrase that "it" means
    sentence = sentence[topic.end() :] if topic else sentence
    for clause in _CLAUSE_END.split(sentence):
        read = list(_gapped(clause, before))
        if not read:
            return ()
        for command, refers in read:
            if refers and commands and not commands[-1][0].relation:
                commands.pop()  # "take the cup and put it there" is one command
            commands.append(command)
            before = _whole(command[0])
    return tuple(commands) if any(c[0].relation for c in commands) else ()


def _whole(reading: Reading) -> str:
    """The noun phrase of what is taken, with its source."""
    if not reading.source:
        return reading.take
    return f"{reading.take} {'in' if reading.source_relations[0] == 'inside' else 'on'} {reading.source}"


def _gapped(clause: str, before: str) -> Iterator[tuple[Command, bool]]:
    """The commands of a clause with one verb: "put the cup on the tray and the spoon into the drawer" has two."""
    start = _START.match(clause)
    for gap in _GAPPED.finditer(clause) if start else ():
        left, right = clause[: gap.start()], clause[gap.end() :]
        first = _clause(left, before)
        second = _clause(f"{start['verb']} {right}", "") if start else None
        if first and second and first[0][0].relation and second[0][0].relation and "between" not in left.lower():
            yield first
            yield _one_of(second[0], first[0][0].take), False
            return
    if (one := _clause(clause, before)) is not None:
        yield one


def _one_of(command: Command, named: str) -> Command:
    noun = head(named)
    return tuple(replace(r, take=with_noun(r.take, noun)) for r in command)


def _clause(clause: str, before: str) -> tuple[Command, bool] | None:
    """The command of one clause, and whether its object is a pronoun; None where it is none."""
    start = _START.match(clause)
    if start is None:
        return None
    verb, rest = start["verb"].lower(), start["rest"].strip(" ,.")
    if back := _back(verb, rest):
        refers = bool(w.PRONOUN.fullmatch(back.take))
        return None if refers and not before else ((_resolved(back, before),), refers)
    rest = re.sub(r"^(?:back|down|over|up|away|out)\s+(?!(?:to|of|from)\b)", "", rest, flags=re.I)
    rest = _POLITE.sub("", rest)
    readings = tuple(dict.fromkeys(_readings(verb, rest)))[:READINGS]
    if not readings:
        return None
    refers = bool(w.PRONOUN.fullmatch(readings[0].take))
    if not before and (refers or w.PRONOUN.fullmatch(readings[0].destination)):
        return None
    return tuple(_resolved(r, before) for r in readings), refers


def _back(verb: str, rest: str) -> Reading | None:
    """To where it rested before; None where the clause names another place."""
    found = _BACK.match(_POLITE.sub("", rest)) if _PUT.fullmatch(verb) else None
    what = found and (found["what"] or found["after"])
    if not what or any(not w.ATTACHED.search(what[: m.start()].rstrip()) for _, m in _prepositions(what)):
        return None
    return Reading(_taken(what), "on", reference=BEFORE)


def _readings(verb: str, rest: str) -> Iterator[Reading]:
    is_place = re.fullmatch(w.PLACE, verb) is not None
    if verb.startswith(("fill", "load", "cover", "top", "sprinkle")) and (found := _WITH.match(rest)):
        relation = "on" if verb.startswith(("cover", "top", "sprinkle")) else "inside"
        yield _reading(found["what"], relation, found["where"])
        return
    if re.fullmatch(w.GIVE, verb) and (given := _GIVEN.match(rest)):
        yield Reading(_taken(given["what"]), "near", reference=CAMERA)
        return
    if here := _HERE.match(rest):
        yield Reading(_taken(here["what"]), "near", reference=CAMERA)
        return
    found = sorted(_prepositions(rest), key=lambda p: p[0])
    for _, match in found:
        relation, rank = w.relation_of(match.group())
        if not is_place and (rank > 0 and not _is_direction(match, rest)):
            continue
        take, where = without_particles(rest[: match.start()]), rest[match.end() :].strip(" ,")
        if verb.startswith(("empty", "emptying")):
            take = f"everything in {take}"
        yield _reading(take, relation, where)
    directed = any(w.relation_of(m.group())[1] == 0 for _, m in found)
    if (
        verb in ("give", "hand", "pass")
        and not directed
        and not w.PREPOSITION.search(rest)
        and (given := _GIVEN_TO.match(rest))
    ):
        yield _reading(given["what"], "near", given["who"])
        return
    if re.fullmatch(w.TAKE, verb) and rest and not any(key[0] == 0 for key, _ in found):
        yield Reading(_taken(rest))


def _is_direction(match: re.Match[str], rest: str) -> bool:
    """Whether a preposition of place says where to: after "over", "back" or "down", or before "me"."""
    before = rest[: match.start()].rstrip()
    after = rest[match.end() :].strip()
    return bool(re.search(r"\b(?:over|back|down)$", before, re.I) or w.SELF.fullmatch(after))


def _prepositions(rest: str) -> Iterator[tuple[tuple[int, int], re.Match[str]]]:
    """Those that may name the destination, each with its rank to sort by.

    Directions come first, the last of them before all; then places, the first before all, except that those within a
    relative clause or after a participle come last.
    """
    relative = False
    for match in w.PREPOSITION.finditer(rest):
        before, after = rest[: match.start()].rstrip(), rest[match.end() :].strip()
        if not before or not after or w.REGION.match(after) or re.search(r"\b(?:from|out|off)$", before, re.I):
            continue
        if not w.DESTINATION.match(after) or re.search(r"\b(?:not|without)$", before, re.I):
            continue
        _, rank = w.relation_of(match.group())
        attached = bool(w.ATTACHED.search(before))
        if rank == 0 and not attached:
            yield (0, -match.start()), match
        elif attached:
            yield (4, match.start()), match
        else:
            relative = bool(w.RELATIVE.search(rest[: match.start()]))
            yield (3 if rank == 2 else 2 if relative else 1, match.start()), match


def _reading(take: str, relation: str, where: str) -> Reading:
    if w.SELF.fullmatch(where):
        return Reading(
            _taken(take), relation if relation in ("in_front_of", "left_of", "right_of") else "near", "", CAMERA
        )
    if w.MIDDLE_OF.match(where) and relation in ("inside", "near"):
        relation = "on"
    where = re.sub(
        r",? (?:but|instead of|rather than|before|so that|because)\b.*$", "", w.PART_OF.sub("", where), flags=re.I
    )
    other = bool(_OTHER.search(where))
    where = re.sub(r"\b(?:another|the remaining)\b", "the", _OTHER.sub("the", where), flags=re.I)
    return Reading(_taken(take), relation, without_particles(where), "", other)


def _taken(phrase: str) -> str:
    """The noun phrase of what is taken."""
    return re.sub(r"^(?:up|hold of|out)\s+", "", without_particles(phrase.strip(" ,")), flags=re.I)


def _with_source(reading: Reading) -> Reading:
    """With the place that it is taken from, or described by, as a phrase of its own."""
    found = _SOURCE.match(reading.take)
    if not found or w.REGION.match(found["where"]) or re.search(r"\b(?:not|n't|with)\b", found["what"]):
        return reading
    kind = next(k for k in _SOURCE_RELATIONS if found[k])
    take = without_particles(found["what"])
    return replace(reading, take=take, source=found["where"], source_relations=_SOURCE_RELATIONS[kind])


def _resolved(reading: Reading, before: str) -> Reading:
    """With nouns in place of "it" and "one"."""
    take = before if w.PRONOUN.fullmatch(reading.take) else reading.take
    if before and ONE.search(take):
        take = with_noun(take, head(before))
    where = reading.destination
    if w.PRONOUN.fullmatch(where):
        where = before
    return _with_source(replace(reading, take=take, destination=with_noun(where, head(take))))
