"""The accent colour: the contrast of WCAG 2.2, in both themes, with the pointer on a button and without."""

import re

import pytest

from portal.assets import styles
from portal.club.colours import DARK, HOVER, LIGHT, below_pointer, contrast, hex_digits, refusal


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("000000", "ffffff", 21),
        ("777777", "ffffff", 4.48),
        ("767676", "ffffff", 4.54),
        ("ff0000", "ffffff", 4.0),
        ("ffffff", "ffffff", 1),
    ],
)
def test_the_ratio_is_that_of_the_guidelines(one, other, ratio):
    assert contrast(one, other) == contrast(other, one) == pytest.approx(ratio, abs=0.01)


@pytest.mark.parametrize(
    ("colour", "light", "dark"),
    [
        ("171b33", True, False),  # the portal's own
        ("f0ede5", False, True),  # likewise, on dark pages
        ("174ea6", True, False),
        ("1f5fbf", False, False),  # 5.6:1, and below the pointer 4.2:1
        ("8ab4ff", False, True),
        ("17633f", True, False),
        ("a8201a", True, False),
        ("f5b83d", False, True),
        ("ff0000", False, False),
        ("777777", False, False),
        ("808080", False, False),
        ("ffffff", False, True),
        ("000000", True, False),
    ],
)
def test_a_colour_is_taken_where_it_can_be_seen(colour, light, dark):
    assert [refusal(colour, LIGHT) is None, refusal(colour, DARK) is None] == [light, dark]


def test_a_refusal_names_the_ratio_and_never_rounds_it_up():
    assert refusal("767676", LIGHT) == (
        "Letters on this colour have a contrast of 4.4:1 on light pages; at least 4.5:1 is needed. Choose a darker one."
    )
    assert "Choose a lighter one." in refusal("444444", DARK)


@pytest.mark.parametrize("typed", ["#174ea6", "174EA6", " #174ea6 "])
def test_a_colour_is_six_hex_digits(typed):
    assert hex_digits(typed) == "174ea6"


@pytest.mark.parametrize("typed", ["", "blue", "#fff", "#174ea600", "1f5fbg", "#174ea6;}", "١f5fbf"])
def test_nothing_else_is(typed):
    assert hex_digits(typed) == ""


def test_they_are_judged_by_what_the_stylesheet_has():
    sheet = styles()
    named = dict(re.findall(r"--(paper|sunk|on-act): light-dark\((#\w+, #\w+)\)", sheet.partition("/* Night")[0]))
    for number, theme in enumerate((LIGHT, DARK)):
        stands = tuple(named[name].split(", ")[number].removeprefix("#") for name in ("paper", "sunk", "on-act"))
        assert stands == (theme.paper, theme.sunk, theme.letters)
    assert f"color-mix(in oklab, var(--act), var(--on-act) {HOVER:.0%})" in sheet


def test_below_the_pointer_the_colour_is_a_bit_of_its_letters():
    assert [below_pointer(colour, LIGHT) for colour in ("000000", "174ea6", "fdfcf9")] == ["0d0d0d", "3d6ab5", "fdfcf9"]
