"""What the parts of pages draw, where the numbers are few."""

import re

import pytest


@pytest.fixture
def chart(app):
    """`chart(bars)`: the drawing of these (value, label), as HTML."""
    return lambda bars: str(app.jinja_env.get_template("parts.html").module.chart(bars, "Came"))


@pytest.mark.parametrize("days", [1, 2, 29, 30, 45])
def test_a_bar_is_no_wider_for_being_alone(chart, days):
    drawn = chart([(3, f"day {n}") for n in range(days)])
    (width,) = map(int, re.findall(r'viewBox="0 0 (\d+) 100"', drawn))
    (left,) = map(float, re.findall(r'<rect class="own" x="([\d.]+)"', drawn))
    assert width == 10 * max(days, 30) and left == width - 7.5
    assert drawn.count("V100z") == days - 1


def test_one_day_is_named_once(chart):
    assert chart([(3, "Mon 30 Nov")]).partition("<details>")[0].count("Mon 30 Nov") == 1
