"""A club moves in from files of people. `samples/*.csv` were written for these tests with the columns the makers document."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest

from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.moving import files, invitations, reading
from portal.moving.records import Person
from portal.moving.running import run, wish_of
from portal.moving.taking import Report, take
from portal.problems import Problem

SAMPLES = Path(__file__).with_name("samples")
GOLD = reading.prices(("Gold=individual/monthly", "price_gold=family/yearly"))
COLUMNS = {
    "id": "Mitglied",
    "email": "E-Mail",
    "first_name": "Vorname",
    "until": "Bezahlt bis",
    "zone": "Zone",
    "customer": "Kunde",
    "subscription": "Abo",
    "price": "Preis",
}


@pytest.fixture
def move_in(worker_app, database, tmp_path):
    """`move_in("ghost")`: take that sample; the report as {(taken, kind, where): reason}, and what was said beforehand."""

    def move(source, *, dry_run=False, sample=None, **said):
        told, report = [], tmp_path / "report.csv"
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            wish = wish_of(worker_app.config["SETTINGS"], **{"prices": GOLD, **said})
            where = str(SAMPLES / f"{sample or source}.csv")
            run(db.session(), source, source, where, wish, dry_run=dry_run, report_file=report, say=told.append)
            db.session.rollback()
        with open(report, newline="") as file:
            rows = {(row["taken"], row["kind"], row["where"]): row["reason"] for row in csv.DictReader(file)}
        return rows, told

    return move


def rows(superuser, statement):
    return superuser.execute(statement).fetchall()


def test_ghosts_members_come_and_their_customers_are_adopted(move_in, superuser):
    told, _ = move_in("ghost")
    assert rows(superuser, "select email, first_name, last_name from users order by email") == [
        ("=cmd@ghost.example", '=HYPERLINK("x")', None),
        ("ana@ghost.example", "Ana", "Maria Duarte"),
        ("ben@ghost.example", None, None),
        ("free@ghost.example", "Free", None),
        ("silver@ghost.example", "Silver", None),
    ]
    assert rows(superuser, "select provider_id, subscription_type, billing_cycle from adoptions") == [
        ("cus_Ana1", "individual", "monthly")
    ]
    assert rows(superuser, "select customer_id from payers") == [("cus_Ana1",)]
    assert told == {
        ("no", "grant", "line 3"): files.FREE_FOR_EVER,
        ("no", "person", "line 4"): "The person is gone there",
        ("no", "adoption", "line 5"): reading.NO_PLAN,
        ("no", "person", "line 6"): "Another row, taken before, has the same address but for capitals",
        ("no", "adoption", "line 6"): "The person it belongs to was not taken",
        ("no", "adoption", "line 8"): "That is no customer of Stripe's",
    }


def test_memberfuls_dates_are_months_first_and_the_last_day_counts(move_in, superuser, worker_app):
    told, _ = move_in("memberful")
    zone = worker_app.config["SETTINGS"].club_timezone
    superuser.execute("select set_config('timezone', %s, false)", [zone])
    assert rows(superuser, "select kind, ends_at::text, reason from access_grants") == [
        ("offline", rows(superuser, "select timestamptz '2100-01-01 00:00'::text")[0][0], "moved in")
    ]
    superuser.execute("reset timezone")
    assert told == {
        ("no", "grant", "line 3"): "Its date is past: nothing of it is left",
        ("no", "grant", "line 4"): "That is not a date",
    }


def test_wordpress_members_come_and_a_subscription_without_its_customer_does_not(move_in, superuser):
    told, _ = move_in("pmpro")
    assert rows(superuser, "select email, first_name from users order by 1") == [
        ("ana@pmpro.example", "Ana"),
        ("ben@pmpro.example", "Ben"),
    ]
    assert told == {
        ("no", "adoption", "line 2"): "Its customer at Stripe is not in the file",
        ("no", "grant", "line 3"): files.ENDLESS,
    }


def test_who_pays_there_without_stripe_and_without_an_end_gets_days_until_a_day_that_is_told(move_in, superuser):
    told, _ = move_in("pmpro", until=datetime(2099, 6, 1, tzinfo=UTC))
    assert ("no", "grant", "line 3") not in told
    assert rows(superuser, "select kind, ends_at::date::text from access_grants order by ends_at") == [
        ("offline", "2099-06-01"),
        ("offline", "2099-12-31"),
    ]


@pytest.mark.parametrize(
    ("content", "refusal"),
    [
        (b"email,name\nana@any.example,Ren\xe9\n", "not in UTF-8 at line 2"),
        ("email,name\nana@any.example,Ana\n".encode("utf-16"), "not in UTF-8 at line 1"),
        (b"email,name\nana@any.example,A\0na\n", "NUL character in line 2"),
        (b"email,name\nana@any.example," + b"x" * 300_000, "row without an end at line 2"),
        (b'email,name\nana@any.example,"' + b"x\n" * 600_000, "row without an end|larger than field limit"),
        (b"email,name,Name\nana@any.example,Ana,Ana\n", "two columns called name"),
        (b"\n", "has no head"),
    ],
)
def test_what_is_no_file_of_people_is_refused_whole(content, refusal, worker_app, superuser, tmp_path):
    file = tmp_path / "people.csv"
    file.write_bytes(content)
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        wish = wish_of(worker_app.config["SETTINGS"])
        with pytest.raises(Problem, match=refusal):
            run(db.session(), "csv", "csv", str(file), wish, dry_run=False, report_file=None, say=len)
    assert rows(superuser, "select count(*) from users") == [(0,)]


def test_a_mark_at_the_beginning_and_semicolons_are_no_matter(worker_app, superuser, tmp_path):
    file = tmp_path / "people.csv"
    file.write_bytes("\ufeffemail;first_name\nana@any.example;René, Ana\n".encode())
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        wish = wish_of(worker_app.config["SETTINGS"])
        run(db.session(), "csv", "csv", str(file), wish, dry_run=False, report_file=None, say=len)
    assert rows(superuser, "select email, first_name from users") == [("ana@any.example", "René, Ana")]


def test_any_file_comes_by_a_mapping_that_is_shown_first(move_in, superuser):
    told, said = move_in("csv", sample="any", columns=COLUMNS, dates=("%d.%m.%Y",))
    assert said[0] == "id is “Mitglied”: what the row is called where it comes from"
    assert rows(superuser, "select email, timezone from users order by 1") == [
        ("ana@any.example", "Europe/Berlin"),
        ("ben@any.example", "Europe/Berlin"),
        ("dora@any.example", "Europe/Berlin"),
    ]
    assert rows(superuser, "select provider_id, subscription_type, billing_cycle from adoptions") == [
        ("sub_Ana1", "family", "yearly")
    ]
    assert told == {
        ("no", "grant", "line 3"): "That is not a date",
        ("no", "person", "line 4"): "There is no address",
        ("no", "adoption", "line 5"): "This customer or subscription is somebody else's here",
        ("no", "person", "line 6"): "The row has more cells than the head",
    }


def test_a_file_nobody_can_map_is_refused_with_its_columns(move_in):
    with pytest.raises(Problem, match=r"--map email=COLUMN.*Mitglied, E-Mail"):
        move_in("csv", sample="any")


def test_what_is_kept_of_people_without_ids_is_no_address(move_in, superuser):
    move_in("memberful")
    names = rows(superuser, "select external_id from imported where kind = 'person'")
    assert not [name for (name,) in names if "@" in name]


def test_a_dry_run_adopts_and_changes_nothing(move_in, superuser):
    assert move_in("ghost", dry_run=True)[0] == move_in("ghost")[0]
    move_in("memberful", dry_run=True)
    assert rows(superuser, "select count(*) from users where email like '%memberful%'") == [(0,)]


def test_who_is_here_already_keeps_their_account(move_in, superuser):
    superuser.execute(
        "insert into users (email, first_name, email_verified) values ('ANA@ghost.example', 'Anna', true),"
        " ('ben@ghost.example', 'Ben', false)"
    )
    told, _ = move_in("ghost")
    assert rows(superuser, "select first_name from users where email_key = 'ana@ghost.example'") == [("Anna",)]
    assert (
        told["in part", "person", "line 2"]
        == "An account with this address was here already and keeps its name and zone"
    )
    assert told["no", "person", "line 3"] == "The account with this address here is not confirmed, or suspended"


def people(number, dies_after=None):
    """So many people, one after the other; the power goes after some of them."""
    for n in range(number):
        if n == dies_after:
            raise KeyboardInterrupt
        yield Person(external_id=f"p{n}", place=f"line {n}", email=f"p{n}@files.example", timezone="UTC")


def test_a_run_that_was_cut_short_goes_on_where_it_was(worker_app, database, superuser):
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        with pytest.raises(KeyboardInterrupt):
            take(db.session(), "files", people(100, dies_after=55), Report(), dry_run=False, batch=10)
        db.session.rollback()
        assert rows(superuser, "select count(*) from users") == [(50,)]
        report = Report()
        take(db.session(), "files", people(100), report, dry_run=False, batch=10)
    assert rows(superuser, "select count(*) from users") == [(100,)]
    assert (report.taken["person"], report.known["person"]) == (50, 50)


def test_nobody_is_written_to_until_the_operator_says_so_and_then_once(move_in, worker_app, superuser):
    move_in("ghost")
    assert rows(superuser, "select count(*) from mails") == [(0,)]
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        written = [invitations.invite(db.session(), "ghost") for _ in range(2)]
        db.session.commit()
    assert written == [5, 0]
    assert rows(superuser, "select distinct kind, text like '%/reset%' from mails") == [("moved-in", True)]


def test_no_spreadsheet_takes_a_cell_of_the_report_for_a_formula(worker_app, database, tmp_path):
    rows_of = tmp_path / "people.csv"
    rows_of.write_text("id,email\n=1+1,no address\n")
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        wish = wish_of(worker_app.config["SETTINGS"])
        run(db.session(), "csv", "csv", str(rows_of), wish, dry_run=True, report_file=tmp_path / "r.csv", say=len)
    assert "'=1+1" in (tmp_path / "r.csv").read_text()
