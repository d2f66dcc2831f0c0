"""Quantities in a question: "half a metre", "forty centimetres", "a metre and a half", "the last minute", 5'4".

They are brought to metres, square and cubic metres, seconds and metres a second; a bare number counts things.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

FOOT_M, INCH_M = 0.3048, 0.0254


@dataclass(frozen=True)
class Quantity:
    """A value in a unit of operators.UNITS: "m", "m2", "m3", "s", "m/s", or "" for a bare number."""

    value: float
    unit: str

    def __str__(self) -> str:
        """As plans write it: "0.4 m", "3"."""
        number = f"{self.value:.6f}".rstrip("0").rstrip(".")
        return f"{number} {self.unit}".rstrip()


# What plans may write besides the units themselves, and what people say: unit, factor.
_SPELLED = {
    ("m", 1.0): "m metre metres meter meters",
    ("m", 0.1): "dm decimetre decimetres decimeter decimeters",
    ("m", 0.01): "cm centimetre centimetres centimeter centimeters",
    ("m", 0.001): "mm millimetre millimetres millimeter millimeters",
    ("m", 1000.0): "km kilometre kilometres kilometer kilometers",
    ("m", FOOT_M): "ft foot feet",
    ("m", INCH_M): "in inch inches",
    ("m", 3 * FOOT_M): "yd yard yards",
    ("s", 1.0): "s sec secs second seconds",
    ("s", 0.001): "ms millisecond milliseconds",
    ("s", 60.0): "min mins minute minutes",
    ("s", 3600.0): "h hour hours",
    ("m2", 1.0): "m2 square_metre square_metres square_meter square_meters",
    ("m2", 1e-4): "cm2 square_centimetre square_centimetres square_centimeter square_centimeters",
    ("m3", 1.0): "m3 cubic_metre cubic_metres cubic_meter cubic_meters",
    ("m3", 1e-3): "l litre litres liter liters",
    ("m3", 1e-6): "ml cm3 millilitre millilitres milliliter milliliters",
    ("m/s", 1.0): "m/s",
    ("m/s", 0.01): "cm/s",
    ("m/s", 1 / 3.6): "km/h kmh kph",
    ("m/s", 0.44704): "mph",
}
UNIT_WORDS = {word.replace("_", " "): unit for unit, words in _SPELLED.items() for word in words.split()}
# Too easily another word: "in the box", "i'm 5 h".
_ONLY_AFTER_DIGITS = frozenset(["m", "s", "h", "l", "in", "ft", "yd", "ms"])
_AFTER_A_SECOND = frozenset(["ago", "before", "earlier", "later", "after", "and", "or"])
_AFTER_IN = frozenset(["the", "a", "an", "my", "your", "this", "that", "these", "those", "it", "each", "all", "front"])

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
_TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
_WORDS = {word: float(n) for n, word in enumerate(_ONES)} | {word: 10.0 * n for n, word in enumerate(_TENS, 2)}
_FRACTIONS = {"half": 0.5, "quarter": 0.25, "quarters": 0.25, "third": 1 / 3, "thirds": 1 / 3, "tenth": 0.1}
_SIGNS = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3}
_DIGITS = re.compile(r"\d{1,9}(?:\.\d{1,6})?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_TOKEN = re.compile(r"\d+(?:[.,]\d+)?|[½¼¾⅓⅔]|[a-z]+(?:/[a-z]+)?\d?|[/'\"]")
_FEET = re.compile(r"(\d{1,2})\s*'\s*(?:(\d{1,2})\s*(?:\"|''))?|(\d{1,3})\s*\"")
_MAX = 1e6


def parse_quantity(text: str) -> Quantity | None:
    """A quantity as plans write it, digits and a unit: "0.4 m", "40 cm", "3"; None for any other text."""
    number, _, unit = text.strip().partition(" ")
    if not _DIGITS.fullmatch(number):
        return None
    if not unit:
        return Quantity(float(number), "")
    known = UNIT_WORDS.get(unit.strip())
    return None if known is None else Quantity(float(number) * known[1], known[0])


def quantities(question: str) -> tuple[Quantity, ...]:
    """Every quantity that a question names, once each, in order; bare numbers last.

    "one" and "a" are numbers before a unit only: "the red one" has none. Values above a million are left out.

    >>> [str(q) for q in quantities("longer than forty centimetres, within half a metre of me, in the last minute")]
    ['0.4 m', '0.5 m', '60 s']
    """
    text = _THOUSANDS.sub("", question.lower()).replace("’", "'").replace("”", '"')
    found = [
        Quantity(FOOT_M * float(feet or 0) + INCH_M * float(inches or only or 0), "m")
        for feet, inches, only in _FEET.findall(text)
    ]
    words = _TOKEN.findall(_FEET.sub(" ", text).replace("-", " "))
    bare: list[Quantity] = []
    at = 0
    while at < len(words):
        value, after = _number(words, at)
        unit, end = _unit(words, after) if value is not None else (None, after)
        if value is not None and unit is not None:
            value, end = _with_half(words, value, end)
            quantity = _quantity(value, unit)
            if found and found[-1].unit == "m" and _continues(words, at, unit):
                last = found.pop()  # "two metres and ten centimetres", "six feet two inches"
                quantity = Quantity(last.value + quantity.value, "m")
            found.append(quantity)
            at = end
        elif value is not None:
            if words[at] not in ("a", "an", "one", "zero", "half", "the") and value == int(value) and value < 100:
                bare.append(Quantity(value, ""))
            at = max(after, at + 1)
        elif words[at] in ("last", "past") and at + 1 < len(words) and UNIT_WORDS.get(words[at + 1], "m")[0] == "s":
            found.append(_quantity(1.0, UNIT_WORDS[words[at + 1]]))  # "in the last minute"
            at += 2
        else:
            at += 1
    return tuple(dict.fromkeys(q for q in (*found, *bare) if q.value <= _MAX))


def _quantity(value: float, unit: tuple[str, float]) -> Quantity:
    return Quantity(round(value * unit[1], 6), unit[0])


def _continues(words: list[str], at: int, unit: tuple[str, float]) -> bool:
    """Whether a length in a larger unit stands right before this one: "two metres (and) ten centimetres"."""
    before = at - 2 if at and words[at - 1] == "and" else at - 1
    if before < 1 or unit[0] != "m":
        return False
    earlier = UNIT_WORDS.get(words[before], ("", 0.0))
    return earlier[0] == "m" and earlier[1] > unit[1]


def _number(words: list[str], at: int) -> tuple[float | None, int]:
    """The number that begins there and where it ends; None where none does."""
    if at >= len(words):
        return None, at
    word = words[at]
    if word[0].isdigit():
        value, end = float(word.replace(",", ".")), at + 1
        if words[end : end + 1] == ["/"] and end + 1 < len(words) and words[end + 1].isdigit() and int(words[end + 1]):
            return value / int(words[end + 1]), end + 2
        if end < len(words) and words[end] in _SIGNS:
            return value + _SIGNS[words[end]], end + 1
        return _with_half(words, value, end)
    if word in _SIGNS:
        return _SIGNS[word], at + 1
    if word in _FRACTIONS:
        return _FRACTIONS[word], _skip(words, at + 1)
    if word in ("a", "an"):
        after = words[at + 1] if at + 1 < len(words) else ""
        if after in _FRACTIONS:
            return _FRACTIONS[after], _skip(words, at + 2)
        if after in ("couple", "hundred", "dozen"):
            return {"couple": 2.0, "hundred": 100.0, "dozen": 12.0}[after], _skip(words, at + 2)
        return 1.0, at + 1
    return _spelled(words, at)


def _spelled(words: list[str], at: int) -> tuple[float | None, int]:
    """Words from zero to 999, "one point five", "three quarters"."""
    total, end, found = 0.0, at, False
    while end < len(words):
        word = words[end]
        if word in _WORDS and not (found and total % 10):
            total += _WORDS[word]
        elif word == "hundred" and found and total < 10:
            total *= 100
        elif word == "and" and found and total >= 100 and total % 100 == 0 and words[end + 1 : end + 2]:
            if words[end + 1] not in _WORDS:
                break
        else:
            break
        found, end = True, end + 1
    if not found:
        return None, at
    if end + 1 < len(words) and words[end] == "point" and words[end + 1] in _WORDS:
        return total + _WORDS[words[end + 1]] / 10, end + 2
    if end < len(words) and words[end] in ("quarters", "thirds", "tenth"):
        return total * _FRACTIONS[words[end]], _skip(words, end + 1)
    return _with_half(words, total, end)


def _with_half(words: list[str], value: float, end: int) -> tuple[float, int]:
    """ "two and a half", "a metre and a half"; the number as it is where no fraction follows."""
    after = words[end : end + 3]
    if after[:2] == ["and", "a"] and after[2:] and after[2] in ("half", "quarter"):
        return value + _FRACTIONS[after[2]], end + 3
    return value, end


def _skip(words: list[str], at: int) -> int:
    """Past "of a", "a", "of an" between a fraction and its unit."""
    for filler in (["of", "a"], ["of", "an"], ["a"], ["an"], ["of"]):
        if words[at : at + len(filler)] == filler:
            return at + len(filler)
    return at


def _unit(words: list[str], at: int) -> tuple[tuple[str, float] | None, int]:
    """The unit that begins there, "per second" included, and where it ends."""
    if at >= len(words):
        return None, at
    two = " ".join(words[at : at + 2])
    if two in UNIT_WORDS:
        return UNIT_WORDS[two], at + 2
    unit = UNIT_WORDS.get(words[at])
    if words[at] == "second" and words[at - 1] == "a" and not _AFTER_A_SECOND.issuperset(words[at + 1 : at + 2]):
        return None, at  # "a second mug"
    if words[at] == "in" and words[at + 1 : at + 2] and words[at + 1] in _AFTER_IN:
        return None, at  # "2 in the box"
    if unit is None or (words[at] in _ONLY_AFTER_DIGITS and not words[at - 1][0].isdigit()):
        return None, at
    if (
        unit[0] == "m"
        and words[at + 1 : at + 2]
        and words[at + 1] in ("per", "a", "an", "every")
        and at + 2 < len(words)
    ):
        time = UNIT_WORDS.get(words[at + 2])
        if time is not None and time[0] == "s":
            return ("m/s", unit[1] / time[1]), at + 3
    return unit, at + 1
