"""What a viewer sees of a page: its words without the markup; and what the page asked of the database."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, time, timedelta
from time import monotonic, sleep
from typing import Any
from unittest import mock

import psycopg
from flask import Flask
from werkzeug.test import TestResponse

from portal import clock, jobs
from portal.database.timings import counts
from portal.jobs import Job
from portal.times import moment_of
from tests.support.cast import ISTANBUL, Meeting, Person, plan_meeting


def words(answer: TestResponse, of: str = "main") -> str:
    """The text of a page's element, in one line."""
    found = re.search(rf"<{of}\b.*?</{of}>", answer.text, re.S)
    return plain(found.group() if found else answer.text)


def plain(markup: str) -> str:
    """Markup as it reads: no tags, single spaces."""
    without = re.sub(r"<(script|style|svg)\b.*?</\1>|<[^>]+>", " ", markup.replace("<wbr>", ""), flags=re.S)
    return re.sub(r" (?=[.,:;])", "", " ".join(html.unescape(without).split()))


def rows(answer: TestResponse, of: str = "article") -> list[str]:
    """The words of each entry of a list, in order; `of` is article, li or tr."""
    return [plain(row) for row in re.findall(rf"<{of}\b.*?</{of}>", answer.text, re.S)]


def titles(answer: TestResponse) -> list[str]:
    """The evenings of a list below its band, in order."""
    return [plain(title) for title in re.findall(r'class="title">(.*?)</h\d>', answer.text, re.S)]


def headings(answer: TestResponse) -> list[str]:
    """The days of a list, each with its note."""
    return [plain(day) for day in re.findall(r'class="leaf day".*?<header>(.*?)</header>', answer.text, re.S)]


def link(answer: TestResponse, label: str) -> str | None:
    """Where the link with this label leads, or None if there is none."""
    for target, text in re.findall(r'<a [^>]*?href="([^"]*)"[^>]*>(.*?)</a>', answer.text, re.S):
        if plain(text) == label:
            return html.unescape(target)
    return None


@contextmanager
def statements() -> Iterator[list[str]]:
    """Every statement sent meanwhile, by whatever means."""
    sent: list[str] = []
    with mock.patch.object(counts, "count_statement", lambda statement, _seconds: sent.append(str(statement))):
        yield sent


def lives_in(postgres: psycopg.Connection, person: Person, zone: str) -> None:
    """Move somebody to another time zone."""
    postgres.execute("update users set timezone = %s where id = %s", [zone, person.id])


def plan(postgres: psycopg.Connection, title: str, days: int = 1, **columns: object) -> Meeting:
    """A meeting so many days from today, at nine in Istanbul unless told otherwise."""
    day = datetime.now(ISTANBUL).date() + timedelta(days=days)
    return plan_meeting(postgres, title, **{"scheduled_date": day, **columns})


def programme(postgres: psycopg.Connection, size: int, days: int = 1, step: int = 1) -> None:
    """Evening 1, Evening 2 and so on, one every `step` days from `days` on."""
    first = datetime.now(ISTANBUL).date() + timedelta(days=days)
    dates = [first + timedelta(days=n * step) for n in range(size)]
    postgres.execute(
        "insert into meetings (title, scheduled_date, start_time, timezone, starts_at, is_private)"
        " select 'Evening ' || n, day, '21:00', 'Europe/Istanbul', starts_at, false"
        "   from unnest(%s::date[], %s::timestamptz[]) with ordinality as t (day, starts_at, n)",
        [dates, [moment_of(day, time(21), "Europe/Istanbul") for day in dates]],
    )


def invite(postgres: psycopg.Connection, person: Person, meeting: Meeting, **columns: object) -> None:
    """Write somebody's row for a meeting, as an invitation unless `columns` say otherwise."""
    row = {"meeting_id": meeting.id, "user_id": person.id, **columns}
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    postgres.execute(f"insert into meeting_attendances ({names}) values ({marks})".encode(), list(row.values()))


def one(postgres: psycopg.Connection, statement: str, *values: object) -> Any:
    """The first value of the first row, or None."""
    found = postgres.execute(statement.encode(), values).fetchone()
    return found[0] if found else None


# What may change by looking: the log, the counters of tries, and when a sign-in was last seen.
LOGS = {"system_logs", "rate_limits", "procrastinate_workers"}


def contents(postgres: psycopg.Connection) -> dict[str, str]:
    """A fingerprint of every table."""
    names = [name for (name,) in postgres.execute("select tablename from pg_tables where schemaname = 'public'")]
    prints = {}
    for name in sorted(set(names) - LOGS):
        row = "to_jsonb(t) - 'seen_at'" if name == "sign_ins" else "to_jsonb(t)"
        every = f"select md5(coalesce(string_agg(({row})::text, chr(10) order by ({row})::text), '')) from \"{name}\" t"
        prints[name] = one(postgres, every)
    return prints


def do(worker_app: Flask, task: Job[...], moment: datetime | None = None, **arguments: Any) -> None:
    """What the worker does when this job is due, at that moment."""
    jobs.serve(worker_app)
    with clock.at(moment or clock.now()):
        task.work(**arguments)


def waited_for(superuser: psycopg.Connection) -> None:
    """Until somebody waits for somebody's row, ten seconds at most."""
    until = monotonic() + 10
    while not one(superuser, "select exists (select from pg_locks where not granted)") and monotonic() < until:
        sleep(0.02)


def said_at(answer: TestResponse, field: str) -> str:
    """The error at one field of a form."""
    return plain(answer.text.partition(f'id="{field}-error">')[2].partition("</p>")[0])


def operations(postgres: psycopg.Connection) -> list[str]:
    """What the log says was done, by name."""
    return sorted(row[0] for row in postgres.execute("select operation from system_logs").fetchall())


def answers(postgres: psycopg.Connection, meeting_id: object, **people: list[Person]) -> None:
    """Rows for a meeting, by answer: `answers(postgres, id, accepted=[alice])`."""
    for answer, some in people.items():
        for person in some:
            postgres.execute(
                "insert into meeting_attendances (meeting_id, user_id, answer, waiting_since)"
                " values (%s, %s, %s, case when %s = 'waitlisted' then now() end)",
                [meeting_id, person.id, answer, answer],
            )


def until_somebody_waits(postgres: psycopg.Connection, within: float = 5.0) -> None:
    """Come back once somebody in this database waits for a lock."""
    deadline = monotonic() + within
    waiting = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
    while not one(postgres, waiting):
        assert monotonic() < deadline, "nobody waits"
        sleep(0.01)
