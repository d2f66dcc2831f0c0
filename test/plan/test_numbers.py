"""Quantities that questions name, in digits and words, and the text in which plans write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastreasonseg_ros.plan.numbers import Quantity, parse_quantity, quantities


@pytest.mark.parametrize(
    ("question", "found"),
    [
        ("anything longer than 40 cm", ["0.4 m"]),
        ("longer than 40cm", ["0.4 m"]),
        ("what is within half a metre of me?", ["0.5 m"]),
        ("forty centimetres", ["0.4 m"]),
        ("forty-five centimeters", ["0.45 m"]),
        ("a metre and a half", ["1.5 m"]),
        ("two and a half feet", ["0.762 m"]),
        ("1,5 m away", ["1.5 m"]),
        ("1,500 mm", ["1.5 m"]),
        ("1/2 m", ["0.5 m"]),
        ("2½ inches", ["0.0635 m"]),
        ("three quarters of a metre", ["0.75 m"]),
        ("one hundred and twenty centimetres", ["1.2 m"]),
        ("one point five metres", ["1.5 m"]),
        ("two metres and ten centimetres", ["2.1 m"]),
        ("six feet two inches", ["1.8796 m"]),
        ("6'2\"", ["1.8796 m"]),
        ("between 10 cm and 20 cm", ["0.1 m", "0.2 m"]),
        ("arrived in the last five seconds", ["5 s"]),
        ("in the last minute", ["60 s"]),
        ("half an hour ago", ["1800 s"]),
        ("a second ago", ["1 s"]),
        ("faster than two metres per second", ["2 m/s"]),
        ("36 km/h", ["10 m/s"]),
        ("holds half a litre", ["0.0005 m3"]),
        ("more than three things in it, 2 m away", ["2 m", "3"]),
        ("the red one", []),
        ("a second mug", []),
        ("the second one from the left", []),
        ("2 in the box", ["2"]),
        ("2 in long", ["0.0508 m"]),
        ("9" * 400 + " m", []),
    ],
)
def test_quantities_are_read_from_digits_and_words(question, found):
    assert [str(q) for q in quantities(question)] == found


@pytest.mark.parametrize(
    ("text", "quantity"),
    [
        ("0.4 m", Quantity(0.4, "m")),
        ("40 cm", Quantity(0.4, "m")),
        ("3", Quantity(3.0, "")),
        ("2 min", Quantity(120.0, "s")),
        ("4 parsec", None),
        ("m", None),
        ("", None),
        ("-1 m", None),
        ("²", None),
        ("9" * 400, None),
    ],
)
def test_a_plan_writes_digits_and_a_unit(text, quantity):
    assert parse_quantity(text) == quantity


@given(st.text(alphabet="0123456789.,'/\" ½amcsthlfndoeigrvqu-", max_size=40))
def test_any_question_can_be_read_and_what_is_found_can_be_written(text):
    for quantity in quantities(text):
        assert parse_quantity(str(quantity)) is not None
