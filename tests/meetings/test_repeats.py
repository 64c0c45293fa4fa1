"""How a series repeats: on which days the database holds it, and how that is said."""

from datetime import date, time, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from portal.meetings.repeats import clocks_note, in_words, sentence
from portal.times import moment_of

NOVEMBER = date(2026, 11, 1)  # a Sunday
RULE = {"weekdays": [], "skipped": [], "starts_on": "2026-11-01"}


@pytest.fixture
def days(superuser):
    """`days(repeats="daily")`: the days of November and December 2026, as MM-DD."""

    def held(first="2026-11-01", last="2026-12-31", **rule):
        found = superuser.execute(
            "select to_char(day, 'MM-DD') from series_dates(jsonb_populate_record(null::meeting_series, %s), %s, %s) day",
            [Jsonb(RULE | rule), first, last],
        )
        return [day for (day,) in found.fetchall()]

    return held


def test_every_day_is_every_day(days):
    assert len(days(repeats="daily")) == 61


def test_a_week_has_the_days_that_were_chosen(days):
    assert days(repeats="weekly", weekdays=[2, 4], last="2026-11-12") == ["11-03", "11-05", "11-10", "11-12"]


def test_a_shorter_month_has_its_last_day_instead(days):
    assert days(repeats="monthly-by-day", month_day=31) == ["11-30", "12-31"]
    assert days(repeats="monthly-by-day", month_day=5) == ["11-05", "12-05"]


@pytest.mark.parametrize(
    ("week", "weekday", "said"),
    [(1, 7, ["11-01", "12-06"]), (4, 1, ["11-23", "12-28"]), (-1, 1, ["11-30", "12-28"]), (2, 2, ["11-10", "12-08"])],
)
def test_a_month_has_one_of_its_weekdays(days, week, weekday, said):
    assert days(repeats="monthly-by-weekday", weekdays=[weekday], month_week=week) == said


def test_it_begins_and_ends_where_it_says_and_skips_what_it_should(days):
    rule = {"repeats": "daily", "starts_on": "2026-11-29", "ends_on": "2026-12-03", "skipped": ["2026-12-01"]}
    assert days(**rule) == ["11-29", "11-30", "12-02", "12-03"]


def test_every_month_there_is_has_one_last_friday(days):
    """Against the calendar itself, for ten years."""
    held = days(first="2026-11-01", last="2036-10-31", repeats="monthly-by-weekday", weekdays=[5], month_week=-1)
    every = [NOVEMBER + timedelta(days=n) for n in range(3653)]
    last = [d for d in every if d.weekday() == 4 and (d + timedelta(days=7)).month != d.month]
    assert held == [f"{d:%m-%d}" for d in last if d <= date(2036, 10, 31)] and len(held) == 120


@pytest.mark.parametrize(
    ("day", "wall", "zone", "shown"),
    [
        ("2027-03-28", "02:30", "Europe/Berlin", "03:30"),
        ("2027-10-31", "02:30", "Europe/Berlin", "02:30"),
        ("2026-10-04", "02:15", "Australia/Lord_Howe", "02:45"),
        ("2026-11-02", "21:00", "Europe/Istanbul", "21:00"),
    ],
)
def test_where_the_clocks_skip_an_hour_it_is_later_by_the_gap(day, wall, zone, shown):
    meant = moment_of(date.fromisoformat(day), time.fromisoformat(wall), zone)
    assert f"{meant.astimezone(ZoneInfo(zone)):%H:%M}" == shown


def rule(repeats, *weekdays, **more):
    return SimpleNamespace(**{"repeats": repeats, "weekdays": weekdays, "month_day": None, "month_week": None, **more})


@pytest.mark.parametrize(
    ("series", "said"),
    [
        (rule("daily"), "Every day"),
        (rule("weekly", 4, 2), "Every Tuesday and Thursday"),
        (rule("weekly", 1), "Every Monday"),
        (rule("weekly", 7, 1, 3), "Every Monday, Wednesday and Sunday"),
        (rule("weekly", 1, 2, 3, 4, 5), "Monday to Friday"),
        (rule("weekly", 1, 2, 3, 4, 5, 6, 7), "Every day"),
        (rule("monthly-by-day", month_day=5), "Every month on the fifth"),
        (rule("monthly-by-day", month_day=31), "Every month on the 31st, or the last day of a shorter month"),
        (rule("monthly-by-weekday", 5, month_week=-1), "Every last Friday of the month"),
        (rule("monthly-by-weekday", 2, month_week=1), "Every first Tuesday of the month"),
    ],
)
def test_a_rule_in_words(series, said):
    assert in_words(series) == said


def test_the_whole_sentence():
    held = {
        "start_time": time(21),
        "timezone": "Europe/Istanbul",
        "starts_on": date(2026, 5, 3),
        "ends_on": date(2026, 6, 5),
    }
    said = sentence(rule("daily", only_if_free=True, **held))
    assert " ".join(said.split()) == (
        "Every day at 21:00 in Istanbul, from 3 May 2026 until 5 June 2026, unless another meeting is on that day."
    )


def test_a_note_only_where_the_clocks_are_in_the_way():
    assert clocks_note(date(2027, 3, 28), time(2, 30), "Europe/Berlin") == (
        "The clocks skip 02:30 in Berlin that day, so it starts at 03:30."
    )
    assert clocks_note(date(2027, 10, 31), time(2, 30), "Europe/Berlin") == ""
