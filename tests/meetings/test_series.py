"""Series hold their meetings: five weeks ahead, once, at the right hour; and what becomes of them when the series changes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from psycopg.types.json import Jsonb

from portal import clock
from portal.database import db
from portal.database.identity import Role, act_as
from portal.meetings import jobs, series
from portal.meetings.models import MeetingSeries
from tests.support.cast import ISTANBUL, Person
from tests.support.reading import answers, do, one, plan, words

DAY = timedelta(days=1)
NOW = datetime.now(ISTANBUL)
TODAY = NOW.date()
TUESDAY = TODAY + DAY * ((1 - TODAY.weekday()) % 7 or 7 * (NOW.time() >= time(21)))
"""The day of the next meeting of WEEKLY, which may be today."""

WEEKLY = series.SeriesPlan("Quiet work hour", "weekly", time(21), "Europe/Istanbul", TODAY, weekdays=(2,))
DAILY = series.SeriesPlan("Open floor", "daily", time(21), "Europe/Istanbul", TODAY + DAY)


class Desk:
    """Dora at her desk: a series' verbs, each in a transaction of its own."""

    def __init__(self, app, admin: Person):
        self.app, self.admin = app, admin

    def do(self, verb, *given, **more):
        with self.app.app_context():
            act_as(db.session(), Role("portal_admin", self.admin.id))
            done = verb(db.session(), *given, **more)
            db.session.commit()
            return done

    def start(self, what=WEEKLY, **more):
        return self.do(series.start, what, created_by=self.admin.id, **more)

    def to(self, verb, series_id, *given, **more):
        """`verb` to the series as it stands."""
        return self.do(lambda s: verb(s, s.get(MeetingSeries, series_id), *given, **more))

    def change(self, series_id, what, seen=0):
        return self.to(series.change, series_id, what, seen=seen)


@pytest.fixture
def admin(app, dora):
    return Desk(app, dora)


@pytest.fixture
def dates(superuser):
    """`dates()`: the days with a meeting that takes place, in order."""

    def held(where="true"):
        found = superuser.execute(
            f"select scheduled_date from meetings where status = 'scheduled' and {where} order by starts_at".encode()
        )
        return [day for (day,) in found.fetchall()]

    return held


# --- holding ---------------------------------------------------------------------------------------------------------


def test_a_series_makes_its_meetings_five_weeks_ahead(admin, dates, superuser):
    admin.start()
    weeks = [TUESDAY + 7 * DAY * n for n in range(6)]
    assert dates() == [day for day in weeks if day <= TODAY + 35 * DAY]
    row = superuser.execute(
        "select title, start_time, duration, is_recurring, origin, created_by from meetings limit 1"
    )
    assert row.fetchone() == ("Quiet work hour", time(21), 60, True, "series", admin.admin.id)


def test_the_job_makes_what_is_missing_and_doing_it_twice_is_once(admin, dates, worker_app, superuser):
    admin.start(DAILY)
    before = dates()
    for _ in range(2):
        do(worker_app, jobs.extend_series, clock.now() + 3 * DAY)
    assert dates() == [*before, *(before[-1] + DAY * n for n in (1, 2, 3))]
    assert one(superuser, "select count(*) from system_logs where operation = 'series.continued'") == 1


def test_of_many_at_once_one_makes_them(admin, dates, superuser):
    admin.start(DAILY)
    superuser.execute("delete from meetings")

    with ThreadPoolExecutor(8) as crowd:
        made = list(crowd.map(lambda _n: admin.do(series.extend), range(8)))
    assert sum(made) == len(dates()) == len(set(dates())) >= 34 and sorted(made)[:7] == [0] * 7


def test_the_same_day_handed_over_twice_is_made_once(admin, as_, superuser):
    daily, day = admin.start(DAILY), TODAY + 60 * DAY
    moment = datetime.combine(day, DAILY.start_time, ISTANBUL)
    given = Jsonb(
        [{"series": str(daily), "day": str(day), "starts_at": str(moment), "wall": str(moment.replace(tzinfo=None))}]
    )
    with as_("worker") as db:
        assert [db.execute("select extend_series(%s)", [given]).fetchone()[0] for _ in range(2)] == [1, 0]


def test_the_database_keeps_one_meeting_a_day_whatever_the_code_does(admin, superuser):
    """The control: without the lock and the looking, the key has the last word."""
    admin.start(DAILY)
    again = (
        "insert into meetings (title, scheduled_date, start_time, starts_at, series_id, series_date)"
        " select title, scheduled_date, start_time, starts_at, series_id, series_date from meetings limit 1 on conflict do nothing"
    )
    assert superuser.execute(again).rowcount == 0


def test_nine_in_berlin_stays_nine_when_the_clocks_change(admin, superuser):
    berlin = ZoneInfo("Europe/Berlin")
    with clock.at(datetime(2027, 3, 20, 12, tzinfo=berlin)):
        admin.start(replace(DAILY, timezone="Europe/Berlin", starts_on=date(2027, 3, 20)))
    hours = superuser.execute(
        "select distinct to_char(starts_at at time zone 'Europe/Berlin', 'HH24:MI') from meetings"
    )
    assert hours.fetchall() == [("21:00",)]


@pytest.mark.parametrize(("month", "day", "said"), [(3, 28, "03:30"), (10, 31, "02:30")])
def test_an_hour_the_clocks_skip_is_later_and_one_that_comes_twice_is_the_first(admin, superuser, month, day, said):
    with clock.at(datetime(2027, month, day - 3, 12, tzinfo=ZoneInfo("UTC"))):
        admin.start(
            replace(DAILY, timezone="Europe/Berlin", start_time=time(2, 30), starts_on=date(2027, month, day - 2))
        )
    shown = "select to_char(starts_at at time zone 'Europe/Berlin', 'HH24:MI') from meetings where series_date = %s"
    assert one(superuser, shown, date(2027, month, day)) == said
    gaps = superuser.execute(
        "select distinct starts_at - lag(starts_at) over (order by starts_at) from meetings"
    ).fetchall()
    assert max(gap for (gap,) in gaps if gap) <= timedelta(hours=25)


def test_a_member_reads_why_it_is_later_that_day(admin, sign_in, charlie, superuser):
    his, day = sign_in(charlie), datetime(2027, 3, 25, 12, tzinfo=ZoneInfo("UTC"))
    superuser.execute("update sign_ins set created_at = %s, seen_at = %s", [day, day])
    with clock.at(day):
        admin.start(replace(DAILY, timezone="Europe/Berlin", start_time=time(2, 30), starts_on=date(2027, 3, 26)))
        shifted = one(superuser, "select id from meetings where series_date = '2027-03-28'")
        text = words(his.get(f"/meetings/{shifted}"))
    assert "Repeats Every day. The clocks skip 02:30 in Berlin that day, so it starts at 03:30." in text


def test_a_rule_without_any_day_is_refused(admin, superuser):
    with pytest.raises(series.NoDays):
        admin.start(replace(WEEKLY, starts_on=TUESDAY + DAY, ends_on=TUESDAY + 3 * DAY))
    assert one(superuser, "select count(*) from meeting_series") == 0


def test_so_many_times_is_a_last_day(admin):
    assert admin.do(series.last_of, WEEKLY, 3) == TUESDAY + 14 * DAY


# --- the daily meeting -----------------------------------------------------------------------------------------------


def test_the_daily_meeting_is_held_on_days_without_another(admin, dates, superuser):
    plan(superuser, "Guest", days=2, start_time="12:00")
    admin.start(replace(DAILY, only_if_free=True))
    assert TODAY + 2 * DAY not in dates("title = 'Open floor'") and TODAY + 3 * DAY in dates("title = 'Open floor'")
    assert one(superuser, "select distinct origin from meetings where title = 'Open floor'") == "daily-job"


@pytest.mark.parametrize("columns", [{"is_private": True}, {"status": "cancelled", "cancellation_reason": "Ill."}])
def test_what_members_cannot_come_to_is_not_another(admin, dates, superuser, columns):
    plan(superuser, "Guest", days=2, **columns)
    admin.start(replace(DAILY, only_if_free=True))
    assert TODAY + 2 * DAY in dates("title = 'Open floor'")


def test_where_the_other_is_called_off_the_daily_meeting_steps_in(admin, dates, worker_app, superuser):
    plan(superuser, "Guest", days=2)
    admin.start(replace(DAILY, only_if_free=True))
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill.' where title = 'Guest'")
    do(worker_app, jobs.extend_series)
    assert TODAY + 2 * DAY in dates("title = 'Open floor'")


def test_it_steps_back_for_a_series_that_is_made_in_the_same_breath(admin, dates, worker_app, superuser):
    daily = admin.start(replace(DAILY, only_if_free=True))
    admin.start(WEEKLY)
    superuser.execute("delete from meetings")
    do(worker_app, jobs.extend_series)
    assert not set(dates("title = 'Quiet work hour'")) & set(dates("title = 'Open floor'"))
    assert one(superuser, "select count(*) from meetings where series_id = %s", daily) > 20


def test_the_club_has_one_daily_meeting_at_a_time(admin):
    first = admin.start(replace(DAILY, only_if_free=True))
    with pytest.raises(series.DailyAlready):
        admin.start(replace(DAILY, title="Another", only_if_free=True))
    admin.to(series.stop, first, TODAY + 3 * DAY, "A new one comes.")
    admin.start(replace(DAILY, title="Another", only_if_free=True, starts_on=TODAY + 4 * DAY))


# --- skipping --------------------------------------------------------------------------------------------------------


def test_a_skipped_day_is_called_off_and_not_made_again(admin, dates, worker_app, work, mails, superuser, alice):
    held = admin.start()
    first = one(superuser, "select id from meetings order by starts_at limit 1")
    answers(superuser, first, accepted=[alice])
    admin.to(series.skip, held, TUESDAY, "A holiday.")
    do(worker_app, jobs.extend_series)
    work()
    assert TUESDAY not in dates() and mails(alice.email)[0]["subject"] == "Cancelled: Quiet work hour"


def test_a_day_that_is_far_off_can_be_skipped_before_it_is_planned(admin, dates, worker_app):
    held = admin.start()
    admin.to(series.skip, held, TUESDAY + 70 * DAY, "A holiday.")
    do(worker_app, jobs.extend_series, clock.now() + 60 * DAY)
    assert TUESDAY + 70 * DAY not in dates() and TUESDAY + 77 * DAY in dates()


def test_a_skipped_day_is_held_after_all_with_the_answers_it_had(admin, dates, superuser, alice):
    held = admin.start()
    answers(superuser, one(superuser, "select id from meetings order by starts_at limit 1"), accepted=[alice])
    admin.to(series.skip, held, TUESDAY, "A holiday.")
    admin.to(series.unskip, held, TUESDAY)
    assert TUESDAY in dates() and one(superuser, "select seats_taken from meetings order by starts_at limit 1") == 1


def test_only_its_own_days_can_be_skipped(admin):
    held = admin.start()
    with pytest.raises(series.NotOneOfItsDays):
        admin.to(series.skip, held, TUESDAY + DAY, "A holiday.")


# --- changing from a day on ------------------------------------------------------------------------------------------


@pytest.fixture
def running(admin, superuser):
    """The series of every Tuesday, with its first meeting two weeks behind; `running` is its id."""
    with clock.at(clock.now() - 14 * DAY):
        held = admin.start(replace(WEEKLY, starts_on=TUESDAY - 21 * DAY))
    admin.do(series.extend)
    superuser.execute("update meetings set status = 'completed' where ends_at < now()")
    return held


def test_the_past_stays_the_series_it_was(admin, superuser, running):
    following = admin.change(running, replace(WEEKLY, title="Loud work hour", starts_on=TUESDAY, weekdays=(2, 4)))
    assert following != running
    assert one(superuser, "select ends_on from meeting_series where id = %s", running) == TUESDAY - DAY
    titles = superuser.execute(
        "select distinct title, series_id, starts_at < now() from meetings order by 3 desc"
    ).fetchall()
    assert titles == [("Quiet work hour", running, True), ("Loud work hour", following, False)]


def test_a_series_nothing_came_of_yet_is_changed_in_place(admin, superuser):
    held = admin.start()
    assert admin.change(held, replace(WEEKLY, title="Loud work hour", starts_on=TODAY)) == held
    assert superuser.execute("select distinct title from meetings").fetchall() == [("Loud work hour",)]


def test_meetings_of_the_same_hour_follow_with_their_answers_and_nobody_is_told(
    admin, work, mails, superuser, running, alice
):
    coming = one(superuser, "select id from meetings where series_date = %s", TUESDAY)
    answers(superuser, coming, accepted=[alice])
    following = admin.change(running, replace(WEEKLY, title="Loud work hour", starts_on=TUESDAY))
    row = superuser.execute("select series_id, title, seats_taken from meetings where id = %s", [coming]).fetchone()
    work()
    assert row == (following, "Loud work hour", 1) and mails(alice.email) == []


def test_a_new_hour_moves_them_and_is_told(admin, work, mails, superuser, running, alice):
    answers(superuser, one(superuser, "select id from meetings where series_date = %s", TUESDAY), accepted=[alice])
    admin.change(running, replace(WEEKLY, start_time=time(20), starts_on=TUESDAY))
    work()
    assert mails(alice.email)[0]["subject"] == "New time: Quiet work hour"
    hours = superuser.execute("select distinct start_time from meetings where starts_at > now()").fetchall()
    assert hours == [(time(20),)]


def test_a_day_that_is_no_longer_one_goes_without_a_trace_or_is_called_off(
    admin, dates, work, mails, superuser, running, alice
):
    answers(superuser, one(superuser, "select id from meetings where series_date = %s", TUESDAY), accepted=[alice])
    admin.change(running, replace(WEEKLY, weekdays=(4,), starts_on=TUESDAY))
    work()
    assert {day.weekday() for day in dates()} == {3} and mails(alice.email)[0][
        "subject"
    ] == "Cancelled: Quiet work hour"
    assert one(superuser, "select count(*) from meetings where status = 'cancelled'") == 1


def test_one_that_was_changed_alone_is_left_alone(admin, superuser, running):
    superuser.execute("update meetings set changed_alone = true, title = 'Special' where series_date = %s", [TUESDAY])
    following = admin.change(running, replace(WEEKLY, title="Loud work hour", weekdays=(4,), starts_on=TUESDAY))
    row = superuser.execute(
        "select title, status, series_id from meetings where series_date = %s", [TUESDAY]
    ).fetchone()
    assert row == ("Special", "scheduled", following)


def test_the_past_cannot_be_changed(admin, running):
    with pytest.raises(series.NotInThePast):
        admin.change(running, replace(WEEKLY, starts_on=TODAY - DAY))


def test_of_two_admins_the_second_is_told(admin, running):
    admin.to(series.skip, running, TUESDAY, "A holiday.")
    with pytest.raises(series.ChangedMeanwhile):
        admin.change(running, replace(WEEKLY, starts_on=TUESDAY + 7 * DAY), seen=0)


# --- stopping --------------------------------------------------------------------------------------------------------


def test_stopping_leaves_the_past_alone_and_makes_no_more(admin, dates, worker_app, superuser, running, alice):
    answers(
        superuser, one(superuser, "select id from meetings where series_date = %s", TUESDAY + 7 * DAY), accepted=[alice]
    )
    admin.to(series.stop, running, TUESDAY, "It has run its course.")
    do(worker_app, jobs.extend_series, clock.now() + 20 * DAY)
    assert dates() == [TUESDAY]
    states = "select status, count(*) from meetings where series_date <> %s group by 1 order by 1"
    assert dict(superuser.execute(states, [TUESDAY]).fetchall())["cancelled"] == 1
    assert one(superuser, "select count(*) from meetings where status = 'completed'") >= 2


# --- private ---------------------------------------------------------------------------------------------------------


def test_a_new_meeting_of_a_private_series_invites_who_was_invited_before(admin, worker_app, superuser, alice, bob):
    admin.start(replace(WEEKLY, is_private=True))
    for (meeting_id,) in superuser.execute("select id from meetings").fetchall():
        answers(superuser, meeting_id, accepted=[alice], declined=[bob])
    do(worker_app, jobs.extend_series, clock.now() + 8 * DAY)
    latest = "select user_id, answer from meeting_attendances where meeting_id = (select id from meetings order by starts_at desc limit 1)"
    assert set(superuser.execute(latest).fetchall()) == {(alice.id, "invited"), (bob.id, "invited")}


# --- the rules of zones ----------------------------------------------------------------------------------------------


def test_a_country_that_changes_its_clocks_keeps_the_hour_of_the_meeting(
    worker_app, work, mails, superuser, supper, alice
):
    """As if the instant had been derived by older rules."""
    answers(superuser, supper.id, accepted=[alice])
    superuser.execute("update meetings set starts_at = starts_at + interval '1 hour'")
    for _ in range(2):
        do(worker_app, jobs.follow_zones)
    work()
    assert one(superuser, "select starts_at from meetings") == supper.starts_at and len(mails(alice.email)) == 1
