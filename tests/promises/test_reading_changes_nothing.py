"""GET and HEAD leave the database as it was, whoever asks, whatever for."""

import psycopg
import pytest
from psycopg import sql

# What may change by looking: the log, the counters of tries, and when a sign-in was last seen.
LOGS = {"system_logs", "rate_limits", "procrastinate_workers"}


def contents(postgres: psycopg.Connection) -> dict[str, str]:
    """A fingerprint of every table."""
    names = [name for (name,) in postgres.execute("select tablename from pg_tables where schemaname = 'public'")]
    prints = {}
    for name in sorted(set(names) - LOGS):
        row = "to_jsonb(t) - 'seen_at'" if name == "sign_ins" else "to_jsonb(t)"
        every = sql.SQL(
            "select md5(coalesce(string_agg(({row})::text, chr(10) order by ({row})::text), '')) from {name} t"
        )
        (prints[name],) = postgres.execute(every.format(row=sql.SQL(row), name=sql.Identifier(name))).fetchone()
    return prints


@pytest.mark.parametrize("who", ["visitor", "alice", "charlie", "dora"])
def test_looking_at_every_page_changes_nothing(who, routes, everybody, superuser):
    before = contents(superuser)
    for route in routes:
        if route.method == "GET":
            got, head = everybody[who].get(route.path), everybody[who].head(route.path)
            assert got.status_code == head.status_code < 500 and head.data == b"", route
            assert head.headers.get("Content-Type") == got.headers.get("Content-Type"), route
    assert contents(superuser) == before


def test_the_fingerprint_notices_one_changed_word(everything, superuser):
    before = contents(superuser)
    superuser.execute("update meetings set description = 'Opened' where id = %s", [everything["open"]])
    changed = {name for name, mark in contents(superuser).items() if mark != before[name]}
    assert changed == {"meetings"}


def test_odd_parameters_are_harmless(routes, everybody, superuser):
    before = contents(superuser)
    odd = "?from=zzz&from=%00&id=1&id=2&q=%00%27%22%3C&next=//evil.example&access=((("
    for route in routes:
        if route.method == "GET":
            assert everybody["dora"].get(route.path + odd).status_code < 500, route
    assert contents(superuser) == before
