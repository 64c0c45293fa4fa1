"""The month and the week of a member: every meeting once, on the viewer's day, with their own answer."""

import re
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from portal.calendar.periods import month_in, month_of, week_in, week_of
from portal.clock import at
from portal.meetings.board import reading
from portal.times import zones
from tests.support.cast import plan_meeting
from tests.support.reading import invite, link, lives_in, plain, statements, words

DECEMBER = datetime(2026, 12, 3, 12, tzinfo=UTC)


@pytest.fixture
def look(sign_in, charlie):
    """`look(path)`: a page as Charlie sees it on 3 December 2026."""
    browser = sign_in(charlie)

    def open_(path):
        with at(DECEMBER):
            answer = browser.get(path)
        assert answer.status_code == 200
        return answer

    return open_


@pytest.fixture
def on(superuser, people):
    """`on(title, day, …)`: a meeting at nine in the evening in Istanbul on a day."""
    return lambda title, day, **columns: plan_meeting(
        superuser, title, scheduled_date=date.fromisoformat(day), **columns
    )


def days(answer):
    """The words of each day of a calendar that has meetings or is today."""
    cells = re.findall(r"<td(?! class=\"free\").*?</td>", answer.text, re.S)
    return [plain(cell).replace("\N{NO-BREAK SPACE}", " ") for cell in cells]


# --- what is in it ---------------------------------------------------------------------------------------------------


def test_each_day_reads_its_date_its_meetings_and_my_answer(look, on, superuser, charlie):
    invite(superuser, charlie, on("Supper", "2026-12-09"), answer="accepted")
    on("Film", "2026-12-09", start_time="22:00", status="cancelled", cancellation_reason="The host is ill.")
    assert days(look("/meetings/month"))[1] == (
        "Wednesday 9 December Wed 9 21:00 Supper You’re coming 22:00 Film Cancelled"
    )


def test_the_head_of_a_table_names_its_columns_from_monday(look):
    heads = re.findall(r'<th scope="col">.*?<span class="vh">(\w+)</span></th>', look("/meetings/month").text)
    assert heads[0] == "Monday" and heads[6] == "Sunday" and len(heads) == 7


def test_a_month_has_its_own_meetings_and_no_others(look, on):
    for day in ("2026-11-30", "2026-12-01", "2026-12-31", "2027-01-01"):
        on(f"On {day}", day)
    assert re.findall(r"<bdi>(On .*?)</bdi>", look("/meetings/month?m=2026-12").text) == [
        "On 2026-12-01",
        "On 2026-12-31",
    ]


def test_a_week_begins_on_monday_whichever_day_is_named(look, on):
    for day in ("2026-12-06", "2026-12-07", "2026-12-13", "2026-12-14"):
        on(f"On {day}", day)
    for named in ("2026-12-07", "2026-12-10", "2026-12-13"):
        page = look(f"/meetings/week?w={named}")
        assert re.findall(r"<bdi>(On .*?)</bdi>", page.text) == ["On 2026-12-07", "On 2026-12-13"]
        assert "7 to 13 December 2026" in words(page, "h1")


def test_the_day_is_the_readers(look, on, superuser, charlie):
    on("Late", "2026-12-31", start_time="23:30")
    lives_in(superuser, charlie, "Asia/Tokyo")
    assert "Late" not in look("/meetings/month?m=2026-12").text
    assert "Friday 1 January" in days(look("/meetings/month?m=2027-01"))[0]


def test_one_of_a_series_says_how_it_repeats(look, on, superuser):
    series = superuser.execute(
        "insert into meeting_series (title, repeats, weekdays, start_time, timezone, starts_on)"
        " values ('Letters', 'weekly', '{2}', '21:00', 'UTC', '2026-12-01') returning id"
    ).fetchone()[0]
    on("Letters", "2026-12-08", series_id=series, series_date=date(2026, 12, 8))
    on("Once", "2026-12-09")
    shown = days(look("/meetings/month"))
    assert "Letters Every Tuesday No answer yet" in shown[1] and "Every" not in shown[2]


def test_a_private_meeting_is_not_there_for_who_is_not_invited(look, on, superuser, charlie):
    secret = on("Secret", "2026-12-09", is_private=True)
    assert "Secret" not in look("/meetings/month").text
    invite(superuser, charlie, secret)
    assert "Secret" in look("/meetings/month").text


# --- the ways ----------------------------------------------------------------------------------------------------------


def test_previous_and_next_and_the_other_views(look):
    page = look("/meetings/month?m=2026-12")
    assert link(page, "November 2026") == "/meetings/month?m=2026-11"
    assert link(page, "January 2027") == "/meetings/month?m=2027-01"
    assert link(page, "Week") == "/meetings/week?w=2026-11-30" and link(page, "List") == "/meetings"
    assert link(look("/meetings"), "Month") == "/meetings/month"


def test_a_filter_shows_one_host_or_series_and_stays_in_the_links(look, on, superuser, dora):
    on("Hers", "2026-12-09", host_id=dora.id)
    on("Another", "2026-12-10")
    page = look(f"/meetings/month?m=2026-12&only={dora.id}")
    assert "Hers" in page.text and "Another" not in page.text
    assert f'<option value="{dora.id}" selected>Dora' in page.text
    assert link(page, "January 2027") == f"/meetings/month?m=2027-01&only={dora.id}"
    assert link(page, "Week") == f"/meetings/week?w=2026-11-30&only={dora.id}"
    later = look(f"/meetings/month?m=2030-01&only={dora.id}")
    assert f'<option value="{dora.id}" selected>Dora' in later.text, "also where she has none"


def test_a_filter_that_names_nobody_is_none(look, on):
    on("Another", "2026-12-10")
    for only in ("00000000-0000-0000-0000-000000000009", "nobody", "'"):
        page = look(f"/meetings/month?m=2026-12&only={only}")
        assert "Another" in page.text and "only=" not in page.text


@pytest.mark.parametrize("words_", ["", "2026-13", "1800-01", "9999-12", "x", "2026-12-01", "٢٠٢٦-12"])
def test_an_address_that_names_no_month_shows_the_present_one(look, words_):
    assert "December 2026" in words(look(f"/meetings/month?m={words_}"), "h1")


# --- time --------------------------------------------------------------------------------------------------------------


def test_the_week_in_which_the_clocks_change_says_so(look, superuser, charlie):
    lives_in(superuser, charlie, "Europe/Berlin")
    page = words(look("/meetings/week?w=2027-03-22")).replace("\N{NO-BREAK SPACE}", " ")
    assert "The clocks in Berlin go forward on Sunday 28 March." in page
    page = words(look("/meetings/month?m=2027-10")).replace("\N{NO-BREAK SPACE}", " ")
    assert "The clocks in Berlin go back on Sunday 31 October." in page
    assert "The clocks" not in words(look("/meetings/month?m=2026-12"))


@pytest.mark.parametrize(("week", "hour"), [("2027-03-22", "19:00"), ("2027-03-29", "20:00")])
def test_in_both_weeks_the_hour_is_the_readers_clocks(look, on, superuser, charlie, week, hour):
    lives_in(superuser, charlie, "Europe/Berlin")
    on("Supper", str(date.fromisoformat(week) + timedelta(days=2)))
    assert f"{hour} Supper" in " ".join(days(look(f"/meetings/week?w={week}")))


PERIODS = {"month": month_of, "week": week_of}
MINUTES = 98 * 365 * 24 * 60


@given(st.sampled_from(zones()), st.integers(0, MINUTES), st.sampled_from(sorted(PERIODS)))
def test_every_moment_is_in_the_period_of_its_local_day_and_in_no_other(zone, minutes, kind):
    moment = datetime(2000, 2, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    period = PERIODS[kind](reading(moment, zone).date)
    for one in (period.previous, period, period.following):
        since, until = one.bounds(zone)
        assert (since <= moment < until) == (one == period)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_the_weeks_of_a_period_have_each_of_its_days_once_under_its_weekday(day):
    for period in (month_of(day), week_of(day)):
        weeks = list(period.weeks())
        shown = [d for week in weeks for d in week if d]
        assert shown == [period.first + timedelta(days=n) for n in range((period.after - period.first).days)]
        assert [d.weekday() for d in shown] == [place for week in weeks for place, d in enumerate(week) if d]


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)))
def test_an_address_leads_back_to_what_it_was_made_for(day):
    assert month_in(month_of(day).key, date(2026, 12, 1)) == month_of(day)
    if week_of(day).first.year >= 2000:
        assert week_in(week_of(day).key, date(2026, 12, 1)) == week_of(day)


# --- cost ----------------------------------------------------------------------------------------------------------------


def test_a_month_costs_two_statements_however_many_meetings(look, on):
    look("/meetings/month")
    for number in range(60):
        on(f"Evening {number}", "2026-12-10", start_time=time(number % 24).isoformat())
    with statements() as sent:
        assert "Evening 59" in look("/meetings/month").text
    assert len(sent) == 3
