"""Every job on the schedule: when it last ran, how that ended, when it is next, and the button that does it at once."""

import re
from datetime import timedelta

import pytest

from portal import jobs
from portal.admin.schedule import in_words
from tests.support.reading import operations, words

PAGE = "/admin/operations/schedule"


@pytest.fixture
def ran(superuser):
    """`ran("mail.forget", "1 hour")`: a job began so long ago, and took two seconds."""

    def note(name, ago="20 seconds", well=True, outcome=None):
        superuser.execute(
            "insert into last_runs values (%(name)s, now() - %(ago)s::interval, now() - %(ago)s::interval + interval '2 s',"
            " %(well)s, %(outcome)s)",
            {"name": name, "ago": ago, "well": well, "outcome": outcome},
        )

    return note


def test_it_lists_every_job_the_clock_calls(desk):
    page = desk.get(PAGE).text
    names = {name for name in jobs.SCHEDULE if not name.startswith("sandbox.")}
    assert len(names) > 20 and [name for name in names if name not in page.replace("<wbr>", "")] == []
    assert "Not yet" in page and "The schedule is kept" in page


def test_each_says_how_its_last_run_ended_and_what_is_wrong_comes_first(desk, ran):
    ran("attendance.sweep")
    ran("mail.forget", "40 hours")
    ran("rooms.check", "1 hour", well=False, outcome="ConnectionError")
    page = words(desk.get(PAGE))
    assert page.startswith("2 jobs want a look")
    assert page.index("mail.forget") < page.index("rooms.check") < page.index("attendance.sweep")
    assert (
        "Failed ConnectionError 2 s" in page
        and "Late" in page
        and re.search(r"Done 2 s (tomorrow )?at \d\d:\d\d every minute", page)
    )


def test_run_now_leaves_the_job_to_the_worker_and_a_row_in_the_log(desk, ran, superuser, dora):
    ran("operations.check")
    answer = desk.submit(PAGE, job="operations.check")
    assert answer.status_code == 303 and "operations.check is left to the worker." in desk.get(PAGE).text
    assert superuser.execute("select task_name, args ->> 'at_once' from procrastinate_jobs").fetchall() == [
        ("operations.check", "true")
    ]
    assert superuser.execute("select operation, message, user_id from system_logs").fetchall() == [
        ("schedule.run-now", "operations.check", dora.id)
    ]


@pytest.mark.parametrize("name", ["", "mail.deliver", "sandbox.stroll", "no.such.job"])
def test_what_is_not_on_the_schedule_is_not_there(desk, superuser, name):
    assert desk.submit(PAGE, job=name).status_code == 404
    assert superuser.execute("select count(*) from procrastinate_jobs").fetchone() == (0,)


def test_what_never_ran_by_itself_cannot_be_done_at_once(desk, superuser):
    answer = desk.submit(PAGE, job="operations.check")
    assert answer.status_code == 409 and "The worker has not done this by itself yet" in answer.text
    assert 'value="operations.check"' not in desk.get(PAGE).text


def test_members_know_nothing_of_it(sign_in, alice):
    assert sign_in(alice).get(PAGE).status_code == 404


@pytest.mark.parametrize(
    ("interval", "text"),
    [
        (timedelta(minutes=1), "every minute"),
        (timedelta(minutes=5), "every 5 minutes"),
        (timedelta(hours=1), "every hour"),
        (timedelta(days=1), "every day"),
    ],
)
def test_how_often_is_a_few_words(interval, text):
    assert in_words(interval) == text


def test_a_dry_run_is_left_to_the_worker_and_told_on_the_page(desk, work, superuser, people, supper):
    answer = desk.submit(f"{PAGE}/dry-runs", job="attendance.invite_everybody")
    assert answer.status_code == 303
    work()
    page = words(desk.get(PAGE))
    assert re.search(r"attendance.invite_everybody [^.]*\d rows would be added to meeting_attendances\.", page)
    assert superuser.execute("select count(*) from meeting_attendances").fetchone() == (0,)
    assert "schedule.dry-run" in operations(superuser)


@pytest.mark.parametrize("name", ["mail.read_inbox", "attendance.poll", "operations.back_up", "mail.deliver", ""])
def test_what_asks_somebody_outside_has_none(name, desk, superuser):
    assert desk.submit(f"{PAGE}/dry-runs", job=name).status_code == 404
    assert superuser.execute("select count(*) from procrastinate_jobs").fetchone() == (0,)
