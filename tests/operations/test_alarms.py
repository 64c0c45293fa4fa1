"""What an operator is told without asking: each thing that can go wrong, and nothing when all is well."""

from dataclasses import replace

import pytest

from portal.database import db
from portal.database.identity import Role, act_as
from portal.operations.alarms import alarms


@pytest.fixture
def told(app, settings, dora, superuser):
    """`told()`: the alarms an admin sees, the bad ones marked; in a club whose worker is heard."""
    superuser.execute("insert into procrastinate_workers (last_heartbeat) values (now())")

    def ask(**changes):
        with app.app_context():
            act_as(db.session(), Role("portal_admin", dora.id))
            found = alarms(db.session(), replace(settings, **changes))
            db.session.rollback()
        return [f"! {words}" if bad else words for bad, words, _name in found]

    return ask


@pytest.fixture
def run(superuser):
    """`run("check", ago, well)`: something on the schedule ended."""

    def ended(name, ago="1 hour", well=True, said="", details=None):
        superuser.execute(
            "insert into runs (name, began_at, ended_at, well, outcome, details) values"
            " (%s, now() - %s::interval, now(), %s, %s, %s)",
            [name, ago, well, said, details],
        )

    return ended


@pytest.fixture
def backup(superuser):
    """`backup(ago, proved)`: one was made, and perhaps tried."""

    def made(ago="1 hour", proved=None, proof="", proved_ago="1 hour"):
        superuser.execute(
            "insert into backups (file, made_at, club_at, bytes, sha256, revision, row_counts, proved, proved_at, proof) values"
            " ('club-' || gen_random_uuid() || '.dump', now() - %s::interval, now(), 1, repeat('0', 64), 'v2', '{}', %s,"
            "  case when %s then now() - %s::interval end, %s)",
            [ago, proved, proved is not None, proved_ago, proof],
        )

    return made


def test_a_club_that_runs_raises_none(told, run, backup):
    backup("25 hours", proved=True, proved_ago="8 days")
    run("check")
    run("backup")
    assert told() == []


def test_nobody_working(told, superuser, backup):
    superuser.execute("delete from procrastinate_workers")
    backup()
    assert told() == ["! Mails and jobs are not being worked on: the worker is not running"]


@pytest.mark.parametrize(
    ("run_of", "words"),
    [
        ({"well": False, "details": '{"A promise": 3}'}, "! The nightly check found 1 broken promise"),
        ({"well": False, "details": '{"A promise": 3, "Another": 1}'}, "! The nightly check found 2 broken promises"),
        ({"well": False, "said": "OperationalError"}, "! The nightly check failed: OperationalError"),
        ({"ago": "3 days"}, "The nightly check has not run for 3 days"),
    ],
)
def test_the_nightly_check(run_of, words, told, run, backup):
    backup()
    run("check", ago=run_of.pop("ago", "1 hour"), **run_of)
    assert told() == [words]


def test_only_the_last_check_counts(told, run, backup):
    backup()
    run("check", "26 hours", well=False, details='{"A promise": 3}')
    run("check", "2 hours")
    assert told() == []


@pytest.mark.parametrize(
    ("there", "words"),
    [
        ([], "No backup has been made yet"),
        ([{"ago": "31 hours"}], "! The newest backup is 31 hours old"),
        ([{"ago": "20 days", "proved": True}, {"ago": "5 days"}], "! The newest backup is 5 days old"),
        (
            [{"proved": False, "proof": "users had 6 rows and has 5."}],
            "! A backup could not be restored: users had 6 rows and has 5.",
        ),
        ([{"ago": "12 days"}, {}], "No backup has been restored on trial for 12 days"),
        (
            [{"ago": "12 days", "proved": True, "proved_ago": "10 days"}, {}],
            "No backup has been restored on trial for 10 days",
        ),
    ],
)
def test_backups(there, words, told, backup):
    for each in there:
        backup(**each)
    assert told() == [words]


def test_a_backup_that_failed_is_told_though_yesterdays_is_there(told, backup, run):
    backup("20 hours")
    run("backup", well=False, said="pg_dump did not go through: No space left on device")
    assert told() == ["! The last backup failed: pg_dump did not go through: No space left on device"]


def test_a_real_server_without_backups_is_told_and_a_demo_is_not(told):
    """Who answers browsers is not told where backups are kept; that none is there is known all the same."""
    assert told(backups=None, sandbox=False, stripe_url="") == ["No backup has been made yet"]
    assert told(backups=None, sandbox=True) == []


JOB = (
    "insert into procrastinate_jobs (id, queue_name, task_name, status, scheduled_at)"
    " values (%s, 'default', %s, %s, now() - interval '1 day')"
)
EVENT = "insert into procrastinate_events (job_id, type, at) values (%s, %s, now() - %s::interval)"


def test_jobs_that_failed_or_are_late(told, backup, superuser):
    backup()
    for number, (task, status, ago) in enumerate(
        [
            ("billing.refetch", "failed", "1 hour"),
            ("mail.deliver", "failed", "2 days"),
            ("attendance.sweep", "todo", "11 minutes"),
        ]
    ):
        superuser.execute(JOB, [900 + number, task, status])
        superuser.execute("delete from procrastinate_events where job_id = %s", [900 + number])
        superuser.execute(EVENT, [900 + number, "deferred" if status == "todo" else "failed", ago])
    assert told() == ["! Failed for good in the last day: billing.refetch", "! 1 job is more than ten minutes late"]


MAIL = (
    "insert into mails (kind, recipient, subject, created_at, state, failure)"
    " values ('x', 'a@b.example', 'x', now() - %s::interval, %s, 'no')"
)


@pytest.mark.parametrize(
    ("ago", "state", "words"),
    [
        ("2 hours", "queued", ["! 1 mail is waiting, for an hour or longer"]),
        ("10 minutes", "queued", []),
        ("2 hours", "failed", ["1 mail could not be sent in the last day and was given up"]),
        ("2 days", "failed", []),
    ],
)
def test_mails_that_wait_or_were_given_up(ago, state, words, told, backup, superuser):
    backup()
    superuser.execute(MAIL, [ago, state])
    assert told() == words


def test_a_pool_that_had_no_connection_left(told, backup, superuser):
    backup()
    superuser.execute("insert into pool_timings values (current_date, 100, 1, '{100}', 3, now() - interval '1 hour')")
    assert told() == ["3 requests got no database connection in time in the last day"]


def test_nearly_all_connections_taken(told, backup, monkeypatch):
    backup()
    monkeypatch.setattr("portal.operations.alarms.NEARLY_ALL", 0)
    assert "connections are taken" in told()[0]


def test_the_bad_ones_come_first(told, backup, superuser):
    backup("5 days")
    superuser.execute(MAIL, ["2 hours", "failed"])
    assert [words[0] for words in told()] == ["!", "1"]


def test_money_that_nobody_really_pays_is_told_on_a_real_server_only(told, backup):
    backup()
    elsewhere = "https://stripe.example"
    assert told(stripe_url=elsewhere, sandbox=False) == [
        "Nobody really pays: STRIPE_URL is https://stripe.example, which is not the real Stripe"
    ]
    assert told(stripe_url=elsewhere, sandbox=True) == []
