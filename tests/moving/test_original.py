"""A club moves in from a database of the original system, in both shapes it has had, with the awkward rows real ones have.

`samples/documented.sql` and `samples/deployed.sql` were written for these tests after its documentation and its repository.
"""

import csv
import re
from contextlib import ExitStack
from pathlib import Path

import pytest

from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.moving.running import run, wish_of
from portal.operations.check import findings
from portal.problems import Problem
from tests.support import server

SAMPLES = Path(__file__).with_name("samples")


def underlined(column):
    """A column as the documentation's index statements call it."""
    return re.sub("([A-Z])", r"_\1", column[1]).lower()


@pytest.fixture
def original(server_url):
    """`original("documented")`: the address of a database made of that sample; the same one when asked again."""
    made = {}
    with ExitStack() as open_until_the_end:

        def of(sample):
            if sample not in made:
                made[sample] = open_until_the_end.enter_context(server.empty_database(server_url, sample))
                statements = (SAMPLES / f"{sample.removesuffix('_underlined')}.sql").read_text()
                if sample.endswith("_underlined"):
                    statements = re.sub('"([a-zA-Z]+)"', underlined, statements)
                with made[sample].connect() as there:
                    there.execute(statements.encode())
            return f"{made[sample].url()}&schema=public"

        yield of


@pytest.fixture
def move_in(worker_app, database, original, tmp_path):
    """`move_in("documented")`: take what that sample has; the report as {(taken, kind, id): reason}."""

    def take(sample, *, dry_run=False):
        report = tmp_path / "report.csv"
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            wish = wish_of(worker_app.config["SETTINGS"])
            url = original(sample)
            run(db.session(), "original", "original", url, wish, dry_run=dry_run, report_file=report, say=len)
            db.session.rollback()
        with open(report, newline="") as file:
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


def test_the_deployed_shape_counts_rupees_and_knows_pairs(move_in, superuser, broken):
    move_in("deployed")
    assert rows(
        superuser, "select transaction_id, amount_minor, currency, subscription_type from orders order by 1"
    ) == [
        ("pay_A", 400000, "INR", "family"),
        ("pay_B", 249900, "INR", "individual"),
        ("pay_C", 249900, "INR", "individual"),
        ("pay_D", 249900, "INR", "individual"),
    ]
    assert rows(superuser, "select email, family_role from users where family_role is not null order by 1") == [
        ("asha@old.example", "primary"),
        ("bina@old.example", "member"),
    ]
    assert rows(
        superuser, "select u.email, g.kind from access_grants g join users u on u.id = g.user_id order by 1, 2"
    ) == [("dev@old.example", "complimentary"), ("dev@old.example", "offline"), ("esha@old.example", "offline")]
    assert rows(superuser, "select title, status, attendance_record from meetings order by 1") == [
        ("Soon", "scheduled", None),
        ("Then", "completed", "not_recorded"),
    ]
    assert broken() == {}


def test_the_deployed_shape_is_taken_without_guessing(move_in):
    told = move_in("deployed")
    assert {key[2]: told[key] for key in told if key[:2] == ("no", "order")} == {
        "order_H": "It was never paid",
        "order_I": "It ends before it begins",
        "order_J": "Nobody here knows this status of a payment",
        "order_K": "The person it belongs to was not taken",
    }
    assert {key[2]: told[key] for key in told if key[:2] == ("in part", "order")} == {
        "order_E": "There is no such plan here: its days are given, its payment is not in the revenue",
        "order_G": "Half of a pair is missing: days are given, and no family and no payment are taken",
    }
    assert told["no", "person", "u3"] == "Another row, taken before, has the same address but for capitals"
    assert told["no", "meeting", "m3"] == "Nobody here knows this platform"


def test_columns_with_underlines_are_the_same(move_in, superuser):
    move_in("documented_underlined")
    assert rows(superuser, "select (select count(*) from users), (select count(*) from orders)") == [(6, 3)]
    assert rows(superuser, "select plan_name, current_members from family_plans") == [("Duarte", 2)]


def test_a_dry_run_reports_the_same_and_changes_nothing(move_in, superuser):
    told = move_in("documented", dry_run=True)
    assert rows(superuser, "select (select count(*) from users), (select count(*) from imported)") == [(0, 0)]
    assert move_in("documented") == told


def test_a_second_run_takes_nothing_twice(move_in, superuser):
    counts = (
        "select (select count(*) from users), (select count(*) from orders), (select count(*) from access_grants),"
        " (select count(*) from meetings), (select count(*) from meeting_attendances), (select count(*) from presences),"
        " (select count(*) from family_memberships)"
    )
    told = move_in("documented")
    before = rows(superuser, counts)
    again = move_in("documented")
    assert rows(superuser, counts) == before
    assert {key for key in again if key[0] == "no"} == {key for key in told if key[0] == "no"}


def test_a_database_of_something_else_is_refused(move_in):
    with pytest.raises(Problem, match="neither the tables"):
        move_in("nothing")
