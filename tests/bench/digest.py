"""What it costs to invite everybody to an evening and to write everybody a digest, beside bare inserts of the same rows.

    python -m tests.bench.digest [--people 100000] [--rounds 3]

The bare side is one INSERT … SELECT into tables with the same columns, constraints and indexes, and without policies and
triggers; once more with foreign keys, which PostgreSQL keeps by triggers. Both sides in turn; the best round counts, in seconds
of processor time, the worker's and the database's together. What the worker's memory grows by is told for a
tenth of the people and for all.
"""

import argparse
import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil
import psycopg
from flask import Flask

from portal import clock, create_app, jobs
from portal.attendance.invitations import INVITE
from portal.database import db, embedded
from portal.database.identity import WORKER
from portal.database.transactions import transaction
from portal.notifications import digest
from portal.operations.migrate import migrate
from portal.times import moment_of
from tests.support.cast import plan_meeting
from tests.support.server import Database
from tests.support.web import settings_for

PEOPLE = """
insert into users (email, first_name, timezone, email_verified, access_until)
select 'member' || n || '@club' || n %% 50 || '.example', 'Member', 'Europe/Istanbul', true, now() + interval '1 year'
  from generate_series(1, %s) n
"""
BARE = """
create table {bare} (like {table} including defaults including generated including identity including constraints
                     including indexes)
"""
ROWS = """
insert into {table} (meeting_id, user_id, invited_at, is_general, email_domain, is_external_domain)
select %s, u.id, now(), true, split_part(u.email_key, '@', 2), false from users u
 where u.is_active and u.email_verified and u.access_until > now() order by u.id
"""
MAILS = """
insert into {table} (kind, occasion, user_id, recipient, subject, created_at, due_at)
select 'digest', 'digest:' || u.id || ':' || %s::date, u.id, u.email, 'What is on', now(), clock_timestamp()
  from users u where u.is_active and u.email_verified and u.access_until > now() order by u.id
"""


def main() -> None:
    """Fill a club, and print both ratios."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    wanted = parser.parse_args()
    with TemporaryDirectory() as folder, embedded.serve(Path(folder) / "pg") as server:
        embedded.ensure_database(server, "bench_digest")
        database = Database(server, "bench_digest")
        migrate(settings_for(database), "head")
        app = create_app(settings_for(database), database_url=settings_for(database).worker_url)
        with database.connect(autocommit=True) as postgres:
            postgres.execute("set statement_timeout = 0")
            postgres.execute(PEOPLE.encode(), [wanted.people // 10])
            invitations(app, postgres, wanted.rounds)
            digests(app, postgres, 1)
            postgres.execute("delete from procrastinate_jobs")
            postgres.execute("delete from users")
            postgres.execute(PEOPLE.encode(), [wanted.people])
            postgres.execute("vacuum analyze")
            invitations(app, postgres, wanted.rounds)
            digests(app, postgres, wanted.rounds)
        with app.app_context():
            db.engine.dispose()


def invitations(app: Flask, postgres: psycopg.Connection, rounds: int) -> None:
    """The rows of one evening."""
    for bare in ("bare", "keyed"):
        postgres.execute(f"drop table if exists {bare}".encode())
        postgres.execute(BARE.format(bare=bare, table="meeting_attendances").encode())
    postgres.execute("alter table keyed add foreign key (user_id) references users on delete cascade")
    postgres.execute("alter table keyed add foreign key (meeting_id) references meetings on delete cascade")
    ours, bare, keyed = [], [], []
    for n in range(rounds):
        meeting = plan_meeting(postgres, f"Evening {n}", max_attendees=None)
        bare.append(timed(postgres, lambda id_=meeting.id: postgres.execute(ROWS.format(table="bare").encode(), [id_])))
        keyed.append(
            timed(postgres, lambda id_=meeting.id: postgres.execute(ROWS.format(table="keyed").encode(), [id_]))
        )
        ours.append(timed(postgres, lambda id_=meeting.id: invite(app, id_)))
    told("Invitations", postgres, ours, bare)
    told("  with foreign keys", postgres, ours, keyed)
    postgres.execute("delete from meetings")


def invite(app: Flask, meeting_id: object) -> None:
    """As the worker does it."""
    with transaction(app, WORKER) as session:
        session.execute(INVITE, {"meeting": meeting_id, "at": clock.now()})


def digests(app: Flask, postgres: psycopg.Connection, rounds: int) -> None:
    """One run for everybody, on so many days."""
    for bare in ("bare_mails", "keyed_mails"):
        postgres.execute(f"drop table if exists {bare}".encode())
        postgres.execute(BARE.format(bare=bare, table="mails").encode())
    postgres.execute("alter table keyed_mails add foreign key (user_id) references users on delete set null")
    jobs.serve(app)
    process, ours, bare, keyed = psutil.Process(), [], [], []
    today = datetime.now(UTC).date()
    for n in range(1, rounds + 1):
        day = today + timedelta(days=n)
        for title in ("Supper", "Quiet"):
            starts = moment_of(day, datetime.min.time().replace(hour=21), "Europe/Istanbul")
            plan_meeting(postgres, title, scheduled_date=day, starts_at=starts, max_attendees=None)
        before = process.memory_info().rss
        with clock.at(moment_of(day, digest.MORNING, "Europe/Istanbul")):
            ours.append(timed(postgres, digest_job))
        grown = process.memory_info().rss - before
        for table, times in (("bare_mails", bare), ("keyed_mails", keyed)):
            statement = MAILS.format(table=table).encode()
            times.append(timed(postgres, lambda statement=statement, day=day: postgres.execute(statement, [day])))
        print(f"  memory grew by {grown / 1e6:.1f} MB")
    told("Digests", postgres, ours, bare)
    told("  with the foreign key", postgres, ours, keyed)
    for table in ("mails", "meetings", "runs"):
        postgres.execute(f"delete from {table}".encode())


def digest_job() -> None:
    """As the worker does it."""
    from portal.notifications.jobs import digest as job

    job.work()


def timed(postgres: psycopg.Connection, run: Callable[[], object]) -> float:
    """Seconds of processor time: this process and every connection's."""
    before = processors(postgres)
    run()
    return sum(spent - before.get(pid, 0) for pid, spent in processors(postgres).items())


def processors(postgres: psycopg.Connection) -> dict[int, float]:
    """What each process has spent so far."""
    backends = postgres.execute("select pid from pg_stat_activity where backend_type = 'client backend'").fetchall()
    return {pid: sum(psutil.Process(pid).cpu_times()[:2]) for pid in (os.getpid(), *(pid for (pid,) in backends))}


def told(what: str, postgres: psycopg.Connection, ours: list[float], bare: list[float]) -> None:
    """One line."""
    (people,) = postgres.execute("select count(*) from users").fetchone() or (0,)
    print(
        f"{what:<20}{people:>9,} people: {min(ours):6.2f} s, bare {min(bare):6.2f} s, {min(ours) / min(bare):5.2f} x",
        flush=True,
    )


if __name__ == "__main__":
    main()
