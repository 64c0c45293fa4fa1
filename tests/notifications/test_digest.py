"""The digest: at each person's hour, on their clock, once a day or on Mondays, and only if there is something to say."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal import clock
from portal.notifications import jobs
from portal.notifications.digest import due
from portal.times import moment_of
from tests.support.cast import plan_meeting
from tests.support.reading import answers, do, lives_in, one

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
MONDAY = date(2026, 12, 14)
NINE = moment_of(MONDAY, time(9), "Europe/Istanbul")


@pytest.fixture
def queue(worker_app, people, superuser):
    """`queue(moment)`: the job of each quarter of an hour, twice, since it must not matter."""
    superuser.execute("update users set access_until = null where first_name not in ('Alice', 'Bob')")

    def quarter(moment):
        do(worker_app, jobs.digest, moment)
        do(worker_app, jobs.digest, moment)

    return quarter


@pytest.fixture
def digest(queue, work):
    """`digest(moment)`: that job, and what it wrote leaves at once."""

    def quarter(moment):
        queue(moment)
        with clock.at(moment):
            work()

    return quarter


def evening(postgres, title, day=MONDAY, **columns):
    """At nine in Istanbul."""
    starts = moment_of(day, time(21), "Europe/Istanbul")
    return plan_meeting(postgres, title, scheduled_date=day, starts_at=starts, **{"max_attendees": None, **columns})


def recipients(postgres):
    """Who got a digest, by first name, and its subject; in the order of writing."""
    return postgres.execute(
        "select u.first_name, m.subject from mails m join users u on u.id = m.user_id where m.kind = 'digest' order by m.created_at, 1"
    ).fetchall()


def text_for(postgres, person):
    return one(postgres, "select text from mails where user_id = %s order by created_at desc", person.id)


def prefers(postgres, person, hour):
    postgres.execute("update users set preferred_meeting_time = %s where id = %s", [hour, person.id])


def chose(postgres, person, how_often):
    postgres.execute("insert into mail_preferences (user_id, digest) values (%s, %s)", [person.id, how_often])


def test_at_nine_in_the_morning_everybody_reads_what_is_on(digest, superuser):
    evening(superuser, "Supper")
    digest(NINE - MINUTE)
    assert recipients(superuser) == []
    digest(NINE)
    assert recipients(superuser) == [("Alice", "Goalete: Supper at 21:00"), ("Bob", "Goalete: Supper at 21:00")]


def test_once_a_day(digest, superuser):
    evening(superuser, "Supper")
    for quarter in range(4):
        digest(NINE + quarter * 15 * MINUTE)
    assert len(recipients(superuser)) == 2


def test_who_prefers_another_hour_reads_it_then(digest, superuser, alice):
    evening(superuser, "Supper")
    prefers(superuser, alice, "07:30")
    digest(NINE - 90 * MINUTE)
    assert [name for name, _ in recipients(superuser)] == ["Alice"]
    digest(NINE)
    assert [name for name, _ in recipients(superuser)] == ["Alice", "Bob"]


def test_it_says_what_is_unanswered_and_what_one_comes_to(digest, superuser, alice):
    supper, quiet = evening(superuser, "Supper"), evening(superuser, "Quiet")
    answers(superuser, supper.id, accepted=[alice])
    digest(NINE)
    assert text_for(superuser, alice).partition("\n\n--")[0] == (
        "What is on until tomorrow\n\nHello Alice, this is on at Goalete. Each link leads to the page of the meeting, where you"
        " answer; opening this mail decides nothing.\n\n"
        "Are you coming?\n\nQuiet\nTonight, Monday 14 December, 21:00 in Istanbul\n"
        f"Answer: https://localhost/meetings/{quiet.id}\n\n"
        "You are coming\n\nSupper\nTonight, Monday 14 December, 21:00 in Istanbul\n"
        f"See the meeting: https://localhost/meetings/{supper.id}\n\n"
        "Times are in Istanbul, the club’s own zone."
    )


def test_whoever_a_move_asks_again_reads_so(digest, superuser, alice):
    supper = evening(superuser, "Supper")
    answers(superuser, supper.id, accepted=[alice])
    superuser.execute("update meeting_attendances set agreed_to = agreed_to - interval '3 hours'")
    digest(NINE)
    assert (
        "Are you coming?\n\nSupper\nTonight, Monday 14 December, 21:00 in Istanbul\n"
        "It was moved after you said yes, and your place is kept.\nAnswer: " in text_for(superuser, alice)
    )


@pytest.mark.parametrize("answer", ["declined", "withdrawn", "rejected"])
def test_who_has_nothing_left_to_answer_gets_none(digest, superuser, alice, answer):
    answers(superuser, evening(superuser, "Supper").id, **{answer: [alice]})
    digest(NINE)
    assert [name for name, _ in recipients(superuser)] == ["Bob"]


def test_nothing_is_said_of_what_is_off_private_or_later(digest, superuser, alice):
    evening(superuser, "Off", status="cancelled", cancellation_reason="Ill.")
    evening(superuser, "Secret", is_private=True)
    evening(superuser, "Later", day=MONDAY + 2 * DAY)
    digest(NINE)
    assert recipients(superuser) == []


def test_who_is_invited_to_a_private_one_reads_of_it(digest, superuser, alice):
    answers(superuser, evening(superuser, "Secret", is_private=True).id, invited=[alice])
    digest(NINE)
    assert recipients(superuser) == [("Alice", "Goalete: Secret at 21:00")]


def test_who_wants_it_weekly_gets_it_on_mondays_for_the_week(digest, superuser, alice, bob):
    for day in (MONDAY, MONDAY + 6 * DAY, MONDAY + 7 * DAY):
        evening(superuser, f"On the {day.day}th", day=day)
    chose(superuser, alice, "weekly")
    chose(superuser, bob, "never")
    digest(NINE)
    digest(NINE + 6 * DAY)
    assert recipients(superuser) == [("Alice", "Goalete: 2 meetings in the week ahead")]


def test_it_is_in_the_readers_own_time_with_a_change_of_clocks(digest, superuser, alice, bob):
    sunday = date(2027, 3, 28)
    evening(superuser, "Supper", day=sunday)
    lives_in(superuser, alice, "Europe/Berlin")
    digest(moment_of(sunday - DAY, time(20), "Europe/Berlin"))
    assert recipients(superuser) == []
    prefers(superuser, alice, "20:30")
    digest(moment_of(sunday - DAY, time(20, 30), "Europe/Berlin"))
    text = text_for(superuser, alice)
    assert "20:00 in Berlin (Sun 28 Mar, 21:00 in Istanbul)" in text.replace("\N{NO-BREAK SPACE}", " ")
    assert "Istanbul is two hours ahead. From Sunday 28 March on it is one hour ahead." in text


def test_a_worker_that_was_down_writes_it_late_and_not_the_next_day(digest, superuser):
    evening(superuser, "Supper")
    digest(NINE - HOUR)
    digest(NINE + 4 * HOUR)
    assert len(recipients(superuser)) == 2
    evening(superuser, "Next", day=MONDAY + DAY)
    digest(NINE + DAY + 7 * HOUR)
    assert len(recipients(superuser)) == 2


def test_two_workers_at_once_write_each_one_once(worker_app, digest, superuser):
    evening(superuser, "Supper")
    with ThreadPoolExecutor(2) as workers:
        for running in [workers.submit(do, worker_app, jobs.digest, NINE) for _ in range(2)]:
            running.result()
    assert [name for name, _ in recipients(superuser)] == ["Alice", "Bob"]
    assert one(superuser, "select sum((details ->> 'written')::integer) from runs") == 2


def test_a_run_that_was_killed_is_finished_by_the_next(digest, superuser, alice, bob):
    evening(superuser, "Supper")
    digest(NINE)
    superuser.execute("delete from mails where user_id = %s", [bob.id])
    superuser.execute("update runs set ended_at = null, well = null, details = null")
    digest(NINE + 15 * MINUTE)
    assert [name for name, _ in recipients(superuser)] == ["Alice", "Bob"]


def test_each_reader_has_an_address_of_their_own_that_switches_it_off(digest, superuser):
    evening(superuser, "Supper")
    digest(NINE)
    texts = [text for (text,) in superuser.execute("select text from mails").fetchall()]
    stops = {text.partition("Get no more mails of this kind:\n")[2].partition("\n")[0] for text in texts}
    assert len(stops) == 2 and all(stop.startswith("https://localhost/unsubscribe/") for stop in stops)


def test_it_says_what_is_so_when_it_leaves(queue, work, superuser, alice):
    supper = evening(superuser, "Supper")
    queue(NINE)
    assert one(superuser, "select count(*) from mails where state = 'queued' and text is null") == 2
    superuser.execute("update meetings set title = 'Dinner'")
    answers(superuser, supper.id, declined=[alice])
    with clock.at(NINE + MINUTE):
        work()
    assert superuser.execute("select state, subject from mails order by state").fetchall() == [
        ("dropped", "What is on"),
        ("sent", "Goalete: Dinner at 21:00"),
    ]


def test_one_that_waited_for_half_a_day_is_not_sent(queue, work, superuser):
    evening(superuser, "Supper")
    queue(NINE)
    with clock.at(NINE + 13 * HOUR):
        work()
    assert (
        one(superuser, "select distinct (state, failure)::text from mails") == '(dropped,"It was late by half a day.")'
    )


# --- any zone, any hour, both changes of clocks ----------------------------------------------------------------------

ZONES = [
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Asia/Kolkata",
    "Pacific/Apia",
    "UTC",
    "Europe/Istanbul",
]
BEGINS = [
    datetime(2027, month, day, tzinfo=UTC) for month, day in ((3, 13), (3, 27), (4, 3), (10, 2), (10, 30), (11, 6))
]


def has_come(zone, day, hour, since, at):
    """Whether clocks first showed that hour after one moment and until the other: the oracle."""
    return since < moment_of(day, hour, zone) <= at


@settings(max_examples=300, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    begins=st.sampled_from(BEGINS),
    hour=st.builds(time, st.integers(0, 23), st.sampled_from([0, 7, 15, 30, 45])),
    gaps=st.lists(st.integers(1, 350), min_size=4, max_size=40),
)
def test_each_hour_of_each_day_comes_once_in_whatever_steps_the_clock_is_looked_at(zone, begins, hour, gaps):
    """Read as the job reads it: once a day, in the first run that has it."""
    at, found, meant = begins, [], []
    second = hour.hour * 3600 + hour.minute * 60
    for gap in gaps:
        since, at = at, at + gap * MINUTE
        found += [
            each.day for each in due([zone], since, at) if each.since <= second < each.until and each.day not in found
        ]
        days = [begins.date() + n * DAY for n in range(-2, 12)]
        meant += [day for day in days if has_come(zone, day, hour, since, at)]
    repeated = [day for day in found if day not in meant]
    assert [day for day in found if day in meant] == meant
    assert all(moment_of(day, hour, zone) <= begins for day in repeated)
