"""A club moves in from a database of the original system, in both shapes it has had, with the awkward rows real ones have.

`samples/documented.sql` and `samples/deployed.sql` were written for these tests after its documentation and its repository.
"""

import csv
from pathlib import Path

import pytest

from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.moving.running import run, wish_of
from portal.operations.check import findings
from portal.problems import Problem
from tests.support import server

SAMPLES = Path(__file__).with_name("samples")


@pytest.fixture
def move_in(worker_app, database, server_url, tmp_path):
    """`move_in("documented")`: take what that sample has; the lines of the report as (taken, kind, id, reason)."""

    def take(sample, *, dry_run=False):
        with server.empty_database(server_url, sample) as original, worker_app.app_context():
            with original.connect() as there:
                there.execute((SAMPLES / f"{sample}.sql").read_bytes())
            act_as(db.session(), WORKER)
            settings = worker_app.config["SETTINGS"]
            url = f"{original.url()}&schema=public"
            run(
                db.session(),
                "original",
                "original",
                url,
                wish_of(settings),
                dry_run=dry_run,
                report_file=tmp_path / "report.csv",
                say=lambda _: None,
            )
            db.session.rollback()
        with open(tmp_path / "report.csv", newline="") as file:
            return {(row["taken"], row["kind"], row["id"]): row["reason"] for row in csv.DictReader(file)}

    return take


@pytest.fixture
def broken(worker_app):
    """`broken()`: the promises of the data that are not kept."""

    def look():
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            found = {
                finding.promise: finding.broken for finding in findings(db.session(), at_rest=True) if finding.broken
            }
            db.session.rollback()
        return found

    return look


def rows(superuser, statement):
    return superuser.execute(statement).fetchall()


def test_people_come_with_their_money_family_and_evenings(move_in, superuser, broken):
    move_in("documented")
    assert rows(superuser, "select email, first_name, timezone, is_admin from users order by email") == [
        ("ana@old.example", "Ana", "Asia/Kolkata", False),
        ("ben@old.example", "Ben", "UTC", False),
        ("dateless@old.example", "Date", "UTC", False),
        ("expired@old.example", "Ex", "UTC", False),
        ("lost@old.example", "Lost", "UTC", False),
        ("nameless@old.example", None, "UTC", False),
    ]
    assert rows(superuser, "select order_number, amount_minor, currency, status from orders order by 1") == [
        ("ORD-1", 1900050, "INR", "completed"),
        ("ORD-2", 2000, "USD", "completed"),
        ("ORD-3", 2000, "EUR", "refunded"),
    ]
    assert rows(superuser, "select plan_name, current_members from family_plans") == [("Duarte", 2)]
    assert rows(superuser, "select title, status, seats_taken from meetings order by 1") == [
        ("Ahead", "scheduled", 1),
        ("Off", "cancelled", 0),
        ("Past", "completed", 3),
    ]
    assert rows(superuser, "select u.email from users u where access_until > now() order by 1") == [
        ("ana@old.example",),
        ("ben@old.example",),
        ("nameless@old.example",),
    ]
    assert broken() == {}
    assert rows(superuser, "select count(*) from mails") == [(0,)]


def test_what_is_in_doubt_is_told_and_not_guessed(move_in):
    told = move_in("documented")
    assert {key: told[key] for key in told if key[0] == "no"} == {
        ("no", "person", "u3-capitals"): "Another row, taken before, has the same address but for capitals",
        ("no", "person", "u7-mars"): "Nobody here knows this time zone",
        ("no", "person", "u8-no-address"): "That is not an address",
        ("no", "order", "o4"): "It waits for a payment that cannot arrive here",
        ("no", "order", "o5"): "There is no such plan here",
        ("no", "order", "o6"): "That amount cannot be paid in its currency",
        ("no", "order", "o7"): "The person it belongs to was not taken",
        ("no", "order", "o8"): "It was paid, but nobody knows when",
        **{key: reason for key, reason in told.items() if key[:2] == ("no", "grant")},
        ("no", "family", "f2"): "No paid order for a family reaches beyond today; its people keep their own days",
        ("no", "family", "f3"): "The person who pays for it was not taken",
        ("no", "member", "f9 u6-lost"): "The family was not taken",
        ("no", "meeting", "m3"): "That is not an hour",
        ("no", "meeting", "m4"): "Nobody here knows this status of a meeting",
        ("no", "attendance", "a5"): "Nobody here knows this answer",
        ("no", "attendance", "a6"): "The meeting was not taken",
        ("no", "attendance", "a7"): "The person was not taken",
    }
    assert sorted(reason for (_, kind, _), reason in told.items() if kind == "grant") == [
        "Its date is past: nothing of it is left",
        "Nobody here knows this status of a subscription",
        "The person it belongs to was not taken",
        "The subscription is active there without a date",
    ]
    assert set(told) >= {("in part", "person", "u1-ana"), ("in part", "meeting", "m2"), ("in part", "attendance", "a2")}
