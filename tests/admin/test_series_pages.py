"""The pages of series: planning one with its next days in view, changing it from a day on, skipping, stopping."""

import re
from datetime import datetime, timedelta

import pytest

from tests.support.cast import ISTANBUL
from tests.support.reading import link, one, operations, plan, rows, said_at, words

DAY = timedelta(days=1)
TODAY = datetime.now(ISTANBUL).date()
TUESDAY = TODAY + DAY * ((1 - TODAY.weekday()) % 7 or 7)


@pytest.fixture
def rule(given) -> dict[str, object]:
    """The form of a series as an admin would fill it in."""
    del given["scheduled_date"]
    return {
        **given,
        "title": "Quiet work hour",
        "repeats": "weekly",
        "weekdays": ["2", "4"],
        "month_day": "",
        "month_week": "1",
        "month_weekday": "1",
        "starts_on": TODAY.isoformat(),
        "ends_on": "",
        "times": "",
    }


@pytest.fixture
def weekly(desk, superuser, rule):
    """The address of the series of the form, planned."""
    address = desk.submit("/admin/series/new", **rule).location
    superuser.execute("delete from system_logs")
    return address


def test_a_series_is_planned_and_on_everybodys_page(desk, sign_in, charlie, superuser, rule):
    answer = desk.submit("/admin/series/new", **rule)
    assert "Quiet work hour is on the programme." in words(desk.get(answer.location))
    first = one(superuser, "select id from meetings order by starts_at limit 1")
    assert "Repeats Every Tuesday and Thursday" in words(sign_in(charlie).get(f"/meetings/{first}"))
    assert operations(superuser) == ["series.planned"]


def test_the_form_begins_with_the_clubs_own_hour(desk):
    page = desk.get("/admin/series/new").text
    assert 'value="21:00"' in page and f'value="{TODAY.isoformat()}"' in page and 'value="weekly"' in page


def test_the_daily_meeting_is_one_click_away_until_it_runs(desk, rule):
    address = link(desk.get("/admin/meetings"), "Start the club’s daily meeting")
    page = desk.get(address).text
    assert re.search(r'<option selected value="daily">', page) and re.search(r'checked[^>]*name="only_if_free"', page)
    desk.submit("/admin/series/new", **{**rule, "repeats": "daily", "only_if_free": "y"})
    assert link(desk.get("/admin/meetings"), "Start the club’s daily meeting") is None
    answer = desk.submit("/admin/series/new", **{**rule, "repeats": "daily", "only_if_free": "y"})
    assert answer.status_code == 422 and "The club has a daily meeting" in said_at(answer, "only_if_free")


def test_the_next_days_are_shown_before_anything_is_saved(desk, superuser, rule):
    answer = desk.submit("/admin/series/new", **rule, show="days")
    assert answer.status_code == 200 and "Every Tuesday and Thursday at 21:00 in Istanbul" in words(answer)
    assert len(rows(answer, "li")) - len(rows(desk.get("/admin/series/new"), "li")) == 5
    assert one(superuser, "select count(*) from meeting_series") == 0


def test_with_scripts_only_the_days_are_sent(desk, rule):
    answer = desk.submit("/admin/series/new", htmx=True, **rule, show="days")
    assert "<html" not in answer.text and answer.text.count("<li>") == 5


def test_the_preview_names_the_clocks(desk, rule):
    late = {**rule, "repeats": "daily", "timezone": "Europe/Berlin", "start_time": "02:30", "starts_on": "2027-03-26"}
    answer = desk.submit("/admin/series/new", **late, show="days")
    assert "Sunday 28 March 2027, 02:30" not in words(answer) and "Sunday 28 March 2027, 03:30" in words(answer)
    assert "The clocks skip 02:30 in Berlin that day, so it starts at 03:30." in words(answer)


@pytest.mark.parametrize(
    ("wrong", "field", "said"),
    [
        ({"weekdays": []}, "weekdays", "Choose at least one day of the week."),
        ({"repeats": "monthly-by-day"}, "month_day", "Enter a day from 1 to 31."),
        ({"repeats": "monthly-by-day", "month_day": "32"}, "month_day", "Enter a day from 1 to 31."),
        ({"repeats": "monthly-by-day", "month_day": "x"}, "month_day", "Enter a day from 1 to 31."),
        ({"starts_on": ""}, "starts_on", "Choose a day that exists."),
        ({"starts_on": "2027-02-30"}, "starts_on", "Choose a day that exists."),
        ({"ends_on": "9999-12-31"}, "ends_on", "Choose a day of this century."),
        ({"ends_on": "2020-01-01"}, "ends_on", "The last day is before the first."),
        ({"ends_on": "2099-01-01", "times": "3"}, "times", "Give a last day or a number of times, not both."),
        ({"times": "0"}, "times", "Between once and 1,000 times, or leave it empty."),
        ({"times": "often"}, "times", "Between once and 1,000 times, or leave it empty."),
        (
            {"ends_on": TODAY.isoformat(), "weekdays": [str((TODAY + DAY).isoweekday())]},
            "repeats",
            "With this rule it would never be held. Look at the days and the dates again.",
        ),
        ({"host_email": "stranger@club.example"}, "host_email", "Nobody in the club has this address."),
    ],
)
def test_what_is_wrong_is_said_at_the_field_and_what_was_typed_is_kept(desk, superuser, rule, wrong, field, said):
    answer = desk.submit("/admin/series/new", **{**rule, **wrong})
    assert answer.status_code == 422 and said_at(answer, field) == said and 'value="Quiet work hour"' in answer.text
    assert one(superuser, "select count(*) from meeting_series") == 0


def test_so_many_times_is_so_many_meetings(desk, superuser, rule):
    desk.submit("/admin/series/new", **{**rule, "times": "3"})
    assert one(superuser, "select count(*) from meetings") == 3


def test_its_page_says_how_it_repeats_and_what_is_planned(desk, weekly):
    answer = desk.get(weekly)
    assert "Every Tuesday and Thursday at 21:00 in Istanbul, from" in words(answer) and len(rows(answer)) >= 9
    assert "Every Tuesday and Thursday at 21:00" in words(desk.get("/admin/meetings"))


def test_a_change_holds_from_the_day_it_names(desk, superuser, weekly, rule):
    """Planned for next week on, with the first week as it was."""
    superuser.execute(
        "update meetings set series_date = series_date - 70, scheduled_date = scheduled_date - 70,"
        " starts_at = starts_at - interval '70 days'"
        " where id = (select id from meetings order by starts_at limit 1)"
    )
    answer = desk.submit(
        f"{weekly}/edit", **{**rule, "revision": "0", "title": "Loud", "starts_on": TUESDAY.isoformat()}
    )
    assert answer.status_code == 303 and answer.location != weekly
    titles = superuser.execute("select distinct title from meetings where series_date >= %s", [TUESDAY]).fetchall()
    assert titles == [("Loud",)] and one(superuser, "select count(*) from meetings where title <> 'Loud'") >= 1


def test_the_form_shows_the_series_as_it_stands(desk, weekly):
    page = desk.get(f"{weekly}/edit?from={TUESDAY}").text
    assert f'value="{TUESDAY}"' in page and 'value="Quiet work hour"' in page
    assert re.findall(r'checked[^>]*name="weekdays"[^>]*value="(\d)"', page) == ["2", "4"]


def test_the_past_is_refused_at_the_field(desk, superuser, weekly, rule):
    answer = desk.submit(f"{weekly}/edit", **{**rule, "revision": "0", "starts_on": (TODAY - DAY).isoformat()})
    assert answer.status_code == 422 and said_at(answer, "starts_on").startswith("The past stays as it was.")


def test_one_meeting_of_it_is_moved_alone(desk, superuser, weekly, given):
    meeting, day = superuser.execute("select id, series_date from meetings order by starts_at desc limit 1").fetchone()
    page = desk.get(f"/admin/meetings/{meeting}/edit")
    assert "One of a series: Every Tuesday and Thursday." in words(page)
    assert link(page, "Change this and the following") == f"{weekly}/edit?from={day}"
    moved = {**given, "revision": "0", "scheduled_date": (day + DAY).isoformat()}
    desk.submit(f"/admin/meetings/{meeting}/edit", **moved)
    row = superuser.execute("select scheduled_date, series_date, changed_alone from meetings where id = %s", [meeting])
    assert row.fetchone() == (day + DAY, day, True)


def test_a_day_is_skipped_and_held_after_all(desk, superuser, weekly):
    day = one(superuser, "select series_date from meetings order by starts_at limit 1")
    desk.submit(f"{weekly}/skipped", **{"skip-day": day.isoformat(), "skip-reason": "A holiday."})
    assert "Reinstate" in words(desk.get(weekly)) and "Cancelled" in rows(desk.get(weekly))[0]
    desk.submit(f"{weekly}/skipped/{day}/back")
    assert one(superuser, "select count(*) from meetings where status = 'cancelled'") == 0
    assert operations(superuser) == ["meeting.cancelled", "meeting.reinstated", "series.held", "series.skipped"]


def test_another_day_is_refused_at_the_field(desk, weekly):
    wednesday = (TUESDAY + DAY).isoformat()
    answer = desk.submit(f"{weekly}/skipped", **{"skip-day": wednesday, "skip-reason": "A holiday."})
    assert answer.status_code == 422 and said_at(answer, "skip-day") == "It is not held on that day."


@pytest.mark.parametrize(("path", "form"), [("skipped", "skip-reason"), ("end", "end-reason")])
def test_a_reason_is_needed(desk, superuser, weekly, path, form):
    answer = desk.submit(f"{weekly}/{path}", **{"skip-day": TUESDAY.isoformat(), "end-last_day": TUESDAY.isoformat()})
    assert answer.status_code == 422 and said_at(answer, form) == "Say why, in a sentence everybody may read."


def test_it_is_stopped_on_a_day(desk, superuser, weekly):
    last = one(superuser, "select series_date from meetings order by starts_at limit 1")
    answer = desk.submit(f"{weekly}/end", **{"end-last_day": last.isoformat(), "end-reason": "It has run its course."})
    assert answer.location == weekly and superuser.execute("select series_date from meetings").fetchall() == [(last,)]


def test_a_series_that_is_over_is_looked_at_only(desk, superuser, weekly):
    superuser.execute("update meeting_series set starts_on = '2020-01-01', ends_on = '2020-02-01'")
    text = words(desk.get(weekly))
    assert "It is over." in text and "End the series" not in text
    assert "No series is running." in words(desk.get("/admin/meetings"))


def test_members_read_only_of_series_whose_meetings_they_see(as_, desk, superuser, charlie, weekly):
    with as_(charlie) as db:
        assert db.execute("select count(*) from meeting_series").fetchone() == (1,)
    superuser.execute("update meetings set is_private = true")
    with as_(charlie) as db:
        assert db.execute("select count(*) from meeting_series").fetchone() == (0,)


def test_a_meeting_that_stands_alone_repeats_nothing(sign_in, charlie, superuser):
    assert "Repeats" not in words(sign_in(charlie).get(f"/meetings/{plan(superuser, 'Alone').id}"))
