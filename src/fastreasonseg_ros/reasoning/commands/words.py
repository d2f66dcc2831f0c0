"""Words of commands to move things: verbs, prepositions with their relations, and what may stand around them."""

from __future__ import annotations

import re

# Verbs that need a place: "put X on Y". Any preposition after their object may name the destination.
PLACE_VERBS = (
    "put place set lay position stand drop stack hang pour tip dump slide push shove roll return stick pop slip insert "
    "store stow park rest lean toss throw load deposit tuck arrange add attach shift move transfer relocate pile plug "
    "chuck sort file clip mount pack pull drag plonk empty scoop spoon sprinkle squeeze stash"
)
# Verbs that take or bring: only a preposition of direction names the destination ("take the cup on the tray" has none).
CARRY_VERBS = "take bring carry get fetch deliver hand give pass send lift haul grab pick ferry transport"
TAKE_VERBS = "take remove get fetch lift grab pick hold find locate choose select"
GIVE_VERBS = "bring get fetch hand give pass"  # "give me X", "hand the girl X"
_GERUNDS = {
    "put": "putting",
    "set": "setting",
    "drop": "dropping",
    "tip": "tipping",
    "slip": "slipping",
    "get": "getting",
}
_GERUNDS |= {"pop": "popping", "stow": "stowing", "plug": "plugging", "grab": "grabbing", "clip": "clipping"}
_GERUNDS |= {"lie": "lying", "drag": "dragging"}


def gerund(verb: str) -> str:
    """The -ing form of a verb.

    >>> gerund("move"), gerund("put"), gerund("hang")
    ('moving', 'putting', 'hanging')
    """
    return _GERUNDS.get(verb) or (verb[:-1] if verb.endswith("e") else verb) + "ing"


def verbs(words: str) -> str:
    """A pattern of these verbs and their -ing forms."""
    return "|".join(form for verb in words.split() for form in (verb, gerund(verb)))


PLACE, CARRY, TAKE, GIVE = verbs(PLACE_VERBS), verbs(CARRY_VERBS), verbs(TAKE_VERBS), verbs(GIVE_VERBS)
VERB = rf"(?:{PLACE}|{CARRY}|{TAKE}|fill|load|cover|top)"

# What may stand before the verb of a request.
PREFIX = (
    r"(?:(?:please|ok|okay|now|then|next|first|firstly|second|secondly|finally|lastly|afterwards|and|so|but|hey|hi|hello"
    r"|robot|could|can|would|will|you|mind|i|i'd|i'll|we|want|need|like|to|let's|let us|just|kindly|also|go ahead|go"
    r"|after that|when you are done|be so kind as|be so good as|try|do me a favour|do me a favor"
    r"|it would be (?:great|nice)|if|time|you should|you must|should|must|quickly|carefully|gently|slowly)[ ,:]+)*?"
)

# (preposition, relation, rank): rank 0 names a direction, and so a destination; 1 a place; 2 seldom a destination.
_PREPOSITIONS: tuple[tuple[str, str, int], ...] = (
    (r"(?:to|on) the left(?:[ -]hand)?(?: side)? of|left of", "left_of", 1),
    (r"(?:to|on) the right(?:[ -]hand)?(?: side)? of|right of", "right_of", 1),
    (r"(?:to the |just )?in front of", "in_front_of", 1),
    (r"(?:to the )?(?:rear|back) of|in back of|behind", "behind", 1),
    (r"(?:on|onto|to) (?:the )?top of|onto|on to|upon", "on", 0),
    (r"into|in to", "inside", 0),
    (r"(?:closer|nearer|over|up|across|back|along)(?: to|wards?)|towards?|to the side of|to", "near", 0),
    (r"inside(?: of)?|within", "inside", 1),
    (r"in", "inside", 1),
    (r"atop|on|over|above", "on", 1),
    (r"underneath|under|beneath|below", "under", 1),
    (r"(?:right |close |directly )?next to|close to|near to|near|nearby|beside|alongside|adjacent to|by the side of"
     r"|at the side of|between|opposite", "near", 1),
    (r"by|at|with|against|before|around", "near", 2),
)  # fmt: skip
_RELATION_OF = [(re.compile(rf"(?:{pattern})", re.I), relation, rank) for pattern, relation, rank in _PREPOSITIONS]
PREPOSITION = re.compile(rf"\b(?:{'|'.join(p for p, _, _ in _PREPOSITIONS)})\b(?!-)", re.I)
ON_TOP = re.compile(r"on (?:the )?top of", re.I)  # says a place as often as a direction

# After these a preposition belongs to the description: "the cup that is on the tray", "the one closest to the door".
ATTACHED = re.compile(
    r"(?:\b(?:is|are|was|were|be|stands?|sits?|lies?|leans?|hangs?|rests?|standing|sitting|lying|laying|leaning|hanging"
    r"|resting|placed|located|stacked|closest|nearest|farthest|furthest|next|close|similar|identical|all the way|that's"
    r"|which's|comes?|came|rolled|moving|facing|right|half)|'s)$",
    re.I,
)
# "on the left", "in the middle", "at the back": a place in the view, and no thing.
REGION = re.compile(
    r"(?:(?:the|my|your|its) )?(?:very |far |extreme |upper |lower |top |bottom |back |front )*"
    r"(?:left|right|middle|centre|center|front|back|rear|corner|end|edge|top|bottom|foreground|background|side|"
    r"left[ -]hand side|right[ -]hand side|distance|order|pairs?|place|line|row|total)"
    rf"(?: side)?(?=$|,| (?:that|which|who|and|{'|'.join(p for p, _, _ in _PREPOSITIONS)})\b)",
    re.I,
)
# Said before a command, and no part of it.
INTERJECTION = re.compile(
    r"^(?:(?:hang on|hold on|wait|one (?:moment|second)|tidy up|clean up|quick|right|alright|all right|well|oh|sorry"
    r"|listen|look|yes|no|good)(?: please| a (?:second|moment|bit))?[,:;.!-]+\s*)+",
    re.I,
)
EVERYTHING = re.compile(r"(?:everything|all|anything|whatever|all (?:the )?(?:things|objects|items)|all of it)", re.I)
# "the middle of the tray", "the left end of a shelf": the thing is meant.
PART_OF = re.compile(
    r"^the (?:[\w-]+ )?(?:middle|cent(?:er|re)|corner|edge|end|top|bottom|back|front|side|left|right|rim|surface) of ",
    re.I,
)
MIDDLE_OF = re.compile(r"^the (?:[\w-]+ )?(?:middle|cent(?:er|re)|corner|edge|end) of ", re.I)
RELATIVE = re.compile(r"\b(?:that|which|who|whose|where)\b", re.I)
SELF = re.compile(
    r"(?:me|us|myself|my (?:open )?(?:hands?|palm|side|desk|place)|here|over here|our side|the camera|the robot|"
    r"where i am|where i (?:sit|stand))",
    re.I,
)
PRONOUN = re.compile(r"(?:it|them|that|this|these|those|both of them|all of them|the same)", re.I)
# How a destination begins: "tipped over back on its feet", "something to read" and "put the lid on" name none.
DESTINATION = re.compile(
    r"(?:(?:the|a|an|another|my|your|his|her|its|our|their|each|both|either|every|any|some|one|two|three)\b"
    r"|(?:this|that|these|those) \w|(?:it|them|here)\b|(?:me|us|myself)\b|over here\b|where i )"
    r"(?! ?(?:feet|foot|side|head|end|back|own)\b)",
    re.I,
)
SUPPORT = frozenset(
    (
        "table",
        "tabletop",
        "desk",
        "desktop",
        "counter",
        "countertop",
        "worktop",
        "workbench",
        "bench",
        "floor",
        "ground",
    )
)
PARTICLE = re.compile(
    r"\s+(?:back|down|over|up|away|out|straight|right|just|directly|carefully|gently|slowly|safely|quickly|please|there|"
    r"neatly|upright|again|together|along|across|instead|next|first|then|now)$",
    re.I,
)
PLURAL = re.compile(
    r"^(?:(?:all|both|every|everything|anything|each|any|some|several|two|three|four|five|these|those|whatever|what|"
    r"things|objects|either)\b|.*\band\b)",
    re.I,
)


def relation_of(preposition: str) -> tuple[str, int]:
    """The relation that a preposition names, and its rank.

    >>> relation_of("onto"), relation_of("next to")
    (('on', 0), ('near', 1))
    """
    for pattern, relation, rank in _RELATION_OF:
        if pattern.fullmatch(preposition):
            return relation, 1 if ON_TOP.fullmatch(preposition) else rank
    raise ValueError(f"{preposition!r} is no preposition of a destination")
