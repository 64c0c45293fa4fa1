"""A month ahead in a copy: what would be mailed, charged, made and ended is told, and nothing of it happens."""

import socket
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from portal import clock
from portal.config import Settings
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.operations import backup
from portal.problems import Problem
from portal.rehearsal import report
from portal.rehearsal.books import ONLY_STRIPE_KNOWS
from portal.rehearsal.rehearse import rehearse
from portal.sandbox.stripe.rhythm import boundary
from tests.support.cast import ISTANBUL, plan_meeting
from tests.support.member import DAY, START
from tests.support.web import settings_for


class Trap:
    """Listens where the real service would be."""

    def __init__(self):
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.listening.settimeout(0)
        self.at = f"127.0.0.1:{self.listening.getsockname()[1]}"

    @property
    def is_untouched(self):
        """Whether nobody has connected."""
        try:
            self.listening.accept()
        except BlockingIOError:
            return True
        return False


@pytest.fixture
def traps():
    """One for each service of the club's."""
    made = {name: Trap() for name in ("smtp", "imap", "stripe", "zoom", "google", "web")}
    yield made
    for trap in made.values():
        trap.listening.close()


@pytest.fixture
def settings(database, tmp_path, traps) -> Settings:
    """A real club's, with every address leading into a trap."""
    script = tmp_path / "copy"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/left\n")
    script.chmod(0o755)
    return settings_for(
        database,
        sandbox=False,
        backups=tmp_path / "backups",
        backup_copy=(str(script), "{file}"),
        mail_url=f"smtp://{traps['smtp'].at}",
        inbox_url=f"imap://in:word@{traps['imap'].at}/INBOX",
        inbox_address="in@club.example",
        stripe_url=f"http://{traps['stripe'].at}",
        zoom_url=f"http://{traps['zoom'].at}",
        zoom_account="account",
        zoom_client="client",
        zoom_secret="secret",
        google_url=f"http://{traps['google'].at}",
        google_organizer="rooms@club.example",
        google_account=tmp_path / "google.json",
        operator_email="operator@club.example",
        public_url=f"https://{traps['web'].at}",
    )


def in_hours(superuser, hours, title, **columns):
    """A meeting that begins in so many hours."""
    start = (START + timedelta(hours=hours)).astimezone(ISTANBUL)
    return plan_meeting(
        superuser, title, scheduled_date=start.date(), start_time=start.time().replace(second=0), **columns
    )


@pytest.fixture
def day_ahead(bank, sign_in, superuser, as_, eve, charlie):
    """Eve's plan renews in half a day, Charlie's access ends before. Eve comes to Supper; Reading has no room yet, Bare gets
    none; and in the queue is a job that nobody knows any more.
    """
    renews_at = int((START + DAY / 2).timestamp())
    with clock.at(datetime.fromtimestamp(boundary(renews_at, {"interval": "year", "interval_count": 1}, -1), UTC)):
        bank.buy(sign_in(eve), "individual", "yearly")
    in_hours(superuser, 20, "Reading", platform="zoom", meeting_link=None, provision_state="none")
    in_hours(superuser, 2, "Bare", platform="link", meeting_link=None, provision_state="none")
    superuser.execute("insert into procrastinate_jobs (queue_name, task_name) values ('default', 'gone.away')")
    superuser.execute("update access_grants set ends_at = %s where user_id = %s", [START + DAY / 4, charlie.id])
    superuser.execute("select refresh_projection(%s, %s)", [charlie.id, START])
    supper = in_hours(superuser, 3, "Supper")
    with as_(eve) as asked:
        asked.execute("select * from rsvp(%s, 'accepted')", [supper.id])


@pytest.fixture
def at_work(worker_app, database):
    """The worker's session."""
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        yield db.session()
        db.session.rollback()


@pytest.fixture
def contents(superuser):
    """`contents()`: a digest of every table."""
    tables = backup.tables(superuser)

    def digests():
        statement = "select md5(string_agg(t::text, '|' order by t::text)) from {}.{} t"
        return [superuser.execute(statement.format(*table).encode()).fetchone() for table in tables]

    return digests


def of(found, section, **wanted):
    """The lines of a section that have these values."""
    return [line for line in found[section] if wanted.items() <= line.items()]


def test_a_rehearsal_tells_what_would_happen_the_same_twice_and_nothing_of_it_does(
    day_ahead, at_work, settings, contents, traps, eve, dora, charlie, tmp_path
):
    backup.note(at_work, settings, backup.dump(settings))
    at_work.commit()
    before = contents()

    first = rehearse(at_work, settings, 1)
    second = rehearse(at_work, settings, 1)
    without_stripe = replace(settings, stripe_key="", payment_instructions="Transfer it to IBAN TR00 0000.")
    third = rehearse(at_work, without_stripe, 1)

    assert contents() == before
    assert [name for name, trap in traps.items() if not trap.is_untouched] == []
    assert first["refused"] == [] and not (tmp_path / "left").exists()

    assert of(first, "mails", kind="reminder", person=str(eve.id))
    assert of(first, "mails", kind="digest", person=str(dora.id))
    assert of(first, "mails", kind="order-paid", person=str(eve.id))
    (charge,) = first["charges"]
    assert (charge["what"], charge["amount_minor"], charge["person"]) == ("paid", 12000, str(eve.id))
    assert [line["person"] for line in first["access_ends"]] == [str(charlie.id)]
    assert of(first, "rooms", what="made", platform="zoom", title="Reading")
    assert first["people"][str(eve.id)] == "Eve"
    assert [line["what"] for line in first["not_known"]] == [[ONLY_STRIPE_KNOWS]]
    assert of(first, "alarms", what="“Bare” begins without a room: nobody can join")
    assert [(line["job"], line["count"]) for line in first["job_failures"]] == [("gone.away", 1)]

    assert second["differences"]["same_backup"] is True
    assert second["differences"]["numbers"] == second["differences"]["lines"] == []
    assert "Nothing differs from the rehearsal of" in "\n".join(report.summary(second))

    assert "Charges, paid: 1 then, 0 now" in third["differences"]["numbers"]
    (line,) = [line for line in third["differences"]["lines"] if line.startswith("Charges")]
    assert line.startswith("Charges, no longer: ") and "paid  $120.00  Eve" in line


def test_reports_lie_beside_the_backups_for_their_owner_and_the_oldest_go(tmp_path):
    empty = {section: [] for section in report.SECTIONS}
    rest = {"people": {}, "mails_not_sent": [], "not_known": [], "refused": [], "took_seconds": 1, "days": 30}
    for day in range(1, 5):
        found = {**empty, **rest, "backup": "club-20261130-031500.dump", "version": "2.0", "revision": "a"}
        found["made_at"] = f"2026-12-0{day}T04:00:00+00:00"
        found["differences"] = report.differences(report.before(tmp_path, found), found)
        report.keep(tmp_path, found, 2)
    kept = sorted(file.name for file in tmp_path.iterdir())
    assert kept == [f"club-2026120{day}-040000.rehearsal.{kind}" for day in (3, 4) for kind in ("json", "txt")]
    assert {file.stat().st_mode & 0o777 for file in tmp_path.iterdir()} == {0o600}


def test_it_is_compared_with_the_version_before_the_last_upgrade(tmp_path):
    def found(version, backup="club-20261130-031500.dump", hour=4):
        sections = {section: [] for section in report.SECTIONS}
        return {
            **sections,
            "people": {},
            "mails_not_sent": [],
            "not_known": [],
            "refused": [],
            "took_seconds": 1,
            "days": 30,
            "backup": backup,
            "version": version,
            "revision": "a",
            "differences": {"than": None},
            "made_at": f"2026-12-01T{hour:02}:00:00+00:00",
        }

    report.keep(tmp_path, found("2.0"), 6)
    report.keep(tmp_path, found("2.1", hour=5), 6)
    assert report.before(tmp_path, found("2.1", hour=6))["version"] == "2.0"
    assert report.before(tmp_path, found("2.2", hour=6))["version"] == "2.1"


def test_without_a_backup_it_says_so(at_work, settings):
    with pytest.raises(Problem, match="There is no backup to rehearse from"):
        rehearse(at_work, settings, 30)


def test_a_span_that_is_none_is_refused(at_work, settings):
    with pytest.raises(Problem, match="A rehearsal is of 1 to 366 days"):
        rehearse(at_work, settings, 0)
