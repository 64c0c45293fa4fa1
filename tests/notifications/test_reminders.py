"""Reminders: at each person's marks before the start, once, and never when it is not true any more."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from portal import clock
from portal.notifications import jobs
from portal.times import moment_of
from tests.support.cast import plan_meeting
from tests.support.reading import do, invite, lives_in, one

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def remind(worker_app, people):
    """`remind(moment)`: the job of each minute, twice, since it must not matter."""

    def minute(moment):
        do(worker_app, jobs.remind, moment)
        do(worker_app, jobs.remind, moment)

    return minute


def says_yes(postgres, person, meeting, before=2 * DAY, **columns):
    """Somebody said yes so long before the start."""
    invite(postgres, person, meeting, **{"answer": "accepted", "responded_at": meeting.starts_at - before, **columns})


def wants(postgres, person, *minutes):
    """Somebody chose when to be reminded."""
    postgres.execute("insert into mail_preferences (user_id, reminders) values (%s, %s)", [person.id, list(minutes)])


def written(postgres, kind="reminder"):
    """The mails of a kind, by their subjects and recipients, oldest first."""
    return postgres.execute(
        "select u.first_name, m.subject from mails m join users u on u.id = m.user_id where m.kind = %s order by m.created_at, 1",
        [kind],
    ).fetchall()


def test_an_hour_before_whoever_said_yes_is_reminded_once(remind, superuser, alice, quiet):
    says_yes(superuser, alice, quiet)
    remind(quiet.starts_at - HOUR - MINUTE)
    assert written(superuser) == []
    for minute in range(3):
        remind(quiet.starts_at - HOUR + minute * MINUTE)
    assert written(superuser) == [("Alice", "Quiet begins today at 21:00")]


def test_whoever_a_move_asks_again_is_asked(remind, superuser, alice, quiet):
    says_yes(superuser, alice, quiet)
    superuser.execute("update meeting_attendances set agreed_to = agreed_to - interval '3 hours'")
    remind(quiet.starts_at - HOUR)
    assert "Quiet was moved after you said yes to it, and your place is kept" in one(
        superuser, "select text from mails"
    )


def test_who_chose_a_day_too_is_reminded_twice(remind, superuser, alice, quiet):
    says_yes(superuser, alice, quiet)
    wants(superuser, alice, 60, 1440)
    for before in (DAY, DAY - HOUR, HOUR):
        remind(quiet.starts_at - before)
    assert written(superuser) == [("Alice", "Quiet begins tomorrow at 21:00"), ("Alice", "Quiet begins today at 21:00")]


def test_who_chose_none_is_not_reminded(remind, superuser, alice, quiet):
    says_yes(superuser, alice, quiet)
    wants(superuser, alice)
    remind(quiet.starts_at - HOUR)
    assert written(superuser) == []


@pytest.mark.parametrize("answer", ["invited", "declined", "waitlisted", "requested", "rejected", "withdrawn"])
def test_who_has_no_place_is_not_reminded(remind, superuser, alice, quiet, answer):
    since = quiet.starts_at - DAY if answer == "waitlisted" else None
    says_yes(superuser, alice, quiet, answer=answer, waiting_since=since)
    remind(quiet.starts_at - HOUR)
    assert written(superuser) == []


def test_who_holds_an_offer_is_reminded_of_that(remind, superuser, alice, quiet, mails, work):
    wants(superuser, alice, 1440)
    says_yes(superuser, alice, quiet, before=3 * DAY, answer="offered", offer_expires_at=quiet.starts_at - DAY + HOUR)
    remind(quiet.starts_at - DAY)
    assert "a place at Quiet is held for you" in one(superuser, "select text from mails")


def test_an_offer_made_after_the_mark_has_been_told_by_its_own_mail(remind, superuser, alice, quiet):
    wants(superuser, alice, 1440)
    says_yes(superuser, alice, quiet, before=3 * DAY, answer="offered", offer_expires_at=quiet.starts_at - 11 * HOUR)
    remind(quiet.starts_at - 20 * HOUR)
    assert written(superuser) == []


def test_who_said_yes_after_the_mark_needs_no_reminder_of_it(remind, superuser, alice, quiet):
    says_yes(superuser, alice, quiet, before=20 * MINUTE)
    remind(quiet.starts_at - 19 * MINUTE)
    assert written(superuser) == []


def test_a_worker_that_was_down_reminds_once_of_the_nearest_mark(remind, superuser, alice, quiet):
    says_yes(superuser, alice, quiet)
    wants(superuser, alice, 60, 1440)
    remind(quiet.starts_at - 10 * MINUTE)
    assert written(superuser) == [("Alice", "Quiet begins today at 21:00")]


def test_never_after_the_start(remind, superuser, alice, quiet):
    says_yes(superuser, alice, quiet)
    remind(quiet.starts_at)
    assert written(superuser) == []


def test_a_meeting_that_was_moved_is_reminded_of_anew(remind, superuser, alice, quiet):
    says_yes(superuser, alice, quiet)
    remind(quiet.starts_at - HOUR)
    superuser.execute("update meetings set start_time = '22:30', starts_at = starts_at + interval '90 minutes'")
    remind(quiet.starts_at - HOUR / 2)
    assert len(written(superuser)) == 1
    remind(quiet.starts_at + HOUR / 2)
    assert [subject for _, subject in written(superuser)] == [
        "Quiet begins today at 21:00",
        "Quiet begins today at 22:30",
    ]


def test_a_cancelled_meeting_is_not_reminded_of(remind, superuser, alice, quiet):
    says_yes(superuser, alice, quiet)
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill.'")
    remind(quiet.starts_at - HOUR)
    assert written(superuser) == []


def test_who_lost_access_is_not_reminded(remind, superuser, charlie, quiet):
    says_yes(superuser, charlie, quiet)
    superuser.execute("update users set access_until = now() where id = %s", [charlie.id])
    remind(quiet.starts_at - HOUR)
    assert written(superuser) == []


def test_it_tells_the_time_of_the_readers_clock_and_the_clubs(remind, superuser, alice, quiet):
    lives_in(superuser, alice, "Asia/Tokyo")
    says_yes(superuser, alice, quiet)
    remind(quiet.starts_at - HOUR)
    text = one(superuser, "select text from mails")
    assert ", 03:00 in Tokyo" in text and ", 21:00 in Istanbul" in text


def test_names_are_words_and_not_markup(remind, superuser, alice, quiet):
    superuser.execute("update users set first_name = '<b>Al</b>' where id = %s", [alice.id])
    says_yes(superuser, alice, quiet)
    remind(quiet.starts_at - HOUR)
    assert "Hello &lt;b&gt;Al&lt;/b&gt;," in one(superuser, "select html from mails")
    assert "Hello <b>Al</b>," in one(superuser, "select text from mails")


def test_two_workers_at_once_remind_everybody_once(worker_app, superuser, alice, bob, charlie, quiet):
    for person in (alice, bob, charlie):
        says_yes(superuser, person, quiet)
    with ThreadPoolExecutor(2) as workers:
        for running in [workers.submit(do, worker_app, jobs.remind, quiet.starts_at - HOUR) for _ in range(2)]:
            running.result()
    assert [name for name, _ in written(superuser)] == ["Alice", "Bob", "Charlie"]
    assert one(superuser, "select count(*) from procrastinate_jobs where task_name = 'mail.deliver'") == 3


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("update meeting_attendances set answer = 'declined'", "They have no place any more."),
        ("update meetings set status = 'cancelled', cancellation_reason = 'Ill.'", "The meeting does not take place."),
        (
            "update meetings set start_time = '22:00', starts_at = starts_at + interval '1 hour'",
            "The meeting was moved; there is another reminder for its new time.",
        ),
        ("select 1", None),
    ],
)
def test_one_that_waited_is_sent_only_if_it_is_still_true(remind, work, superuser, alice, quiet, change, reason):
    says_yes(superuser, alice, quiet)
    remind(quiet.starts_at - HOUR)
    superuser.execute(change)
    with clock.at(quiet.starts_at - HOUR / 2):
        work()
    assert superuser.execute("select state, failure from mails").fetchone() == (
        ("dropped", reason) if reason else ("sent", None)
    )


def test_one_that_waited_until_the_start_is_not_sent(remind, work, superuser, alice, quiet):
    says_yes(superuser, alice, quiet)
    remind(quiet.starts_at - HOUR)
    with clock.at(quiet.starts_at):
        work()
    assert one(superuser, "select failure from mails") == "The meeting had begun before it could be sent."


# --- who gets access while a meeting runs ----------------------------------------------------------------------------


@pytest.fixture
def under_way(superuser, people, now):
    """One that began ten minutes ago, and everybody was invited to it before."""
    began = (now - 10 * MINUTE).astimezone(ZoneInfo("Europe/Istanbul")).replace(second=0, microsecond=0)
    meeting = plan_meeting(
        superuser, "Running", scheduled_date=began.date(), start_time=began.time(), max_attendees=None
    )
    superuser.execute("update meetings set status = 'active', everybody_invited_at = %s", [now - DAY])
    return meeting


def test_whoever_gets_access_while_it_runs_is_told_that_it_is_on(remind, superuser, under_way, eve, now):
    superuser.execute("update users set access_until = now() + interval '1 day' where id = %s", [eve.id])
    remind(now)
    assert written(superuser, "starting") == [("Eve", "On now: Running")]


def test_nobody_else_is(remind, superuser, worker_app, under_way, now):
    superuser.execute("select invite_everybody(%s, %s)", [under_way.id, now - DAY])
    remind(now)
    assert written(superuser, "starting") == []


# --- any zone, both changes of clocks, moves and choices -------------------------------------------------------------

ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
DAYS = [
    date(2027, 3, 27),
    date(2027, 3, 28),
    date(2027, 10, 31),
    date(2027, 11, 7),
    date(2027, 3, 14),
    date(2027, 4, 4),
]
HOURS = [time(1, 30), time(2, 30), time(3), time(12), time(21), time(23, 59)]


@st.composite
def lives(draw):
    """A start in some zone near a change of clocks, a moment of the answer, choices, perhaps a move, and when the job ran."""
    zone = draw(st.sampled_from(ZONES))
    starts = moment_of(draw(st.sampled_from(DAYS)), draw(st.sampled_from(HOURS)), zone)
    answered = starts - timedelta(minutes=draw(st.sampled_from([10, 59, 60, 61, 600, 1439, 1440, 1441, 4000])))
    choices = draw(st.sets(st.sampled_from([60, 1440])))
    moved_at = draw(st.none() | st.integers(min_value=-2000, max_value=0))
    moved_by = draw(st.sampled_from([-90, -10, 30, 1440, 2880]))
    ran = sorted(draw(st.sets(st.integers(min_value=-1600, max_value=3000), max_size=12)))
    return zone, starts, answered, choices, moved_at, moved_by, ran


def expected(starts, answered, choices, moved_at, moved_by, ran):
    """Which (start, mark) is reminded of: an oracle that goes from run to run."""
    sent = []
    for minute in ran:
        at = starts + minute * MINUTE
        begins = starts + moved_by * MINUTE if moved_at is not None and minute >= moved_at else starts
        passed = [mark for mark in choices if begins - mark * MINUTE <= at]
        if at < begins and passed and answered <= min(at, begins - min(passed) * MINUTE):
            sent += [(begins, min(passed))] if (begins, min(passed)) not in sent else []
    return sent


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(life=lives())
def test_whatever_the_zone_the_move_and_the_choice(worker_app, superuser, alice, life):
    zone, starts, answered, choices, moved_at, moved_by, ran = life
    for table in ("mails", "procrastinate_jobs", "mail_preferences", "meetings"):
        superuser.execute(f"delete from {table}")
    superuser.execute(
        "update users set timezone = %s, access_until = %s where id = %s", [zone, starts + 9 * DAY, alice.id]
    )
    wants(superuser, alice, *choices)
    here = starts.astimezone(ZoneInfo(zone))
    meeting = plan_meeting(
        superuser, "Any", scheduled_date=here.date(), start_time=here.time(), timezone=zone, starts_at=starts
    )
    moved = False
    for minute in ran:
        if moved_at is not None and minute >= moved_at and not moved:
            moved = True
            local = (starts + moved_by * MINUTE).astimezone(ZoneInfo(zone))
            superuser.execute(
                "update meetings set starts_at = %s, scheduled_date = %s, start_time = %s",
                [local, local.date(), local.time()],
            )
        at = starts + minute * MINUTE
        if answered <= at and one(superuser, "select count(*) from meeting_attendances") == 0:
            invite(superuser, alice, meeting, answer="accepted", responded_at=answered, invited_at=answered)
        do(worker_app, jobs.remind, at)
    sent = superuser.execute(
        "select split_part(occasion, ':', 3)::bigint, split_part(occasion, ':', 4)::int from mails order by created_at"
    )
    assert [(datetime.fromtimestamp(begins, UTC), mark) for begins, mark in sent.fetchall()] == expected(
        starts, answered, choices, moved_at, moved_by, ran
    )
