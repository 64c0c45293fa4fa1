"""What a page asks of the database: as much for ten meetings as for two hundred."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from portal.clock import at
from portal.database import db
from tests.support.reading import invite, plan, programme, statements

MINUTE = timedelta(minutes=1)
IDENTITY = 1


@pytest.mark.parametrize(("path", "most"), [("/meetings", 1), ("/meetings/past", 2), ("/orders", 1)])
def test_a_list_costs_who_asks_and_one_statement_and_the_past_one_for_the_hours(
    app, sign_in, charlie, superuser, path, most
):
    programme(superuser, 40, days=-20)
    browser = sign_in(charlie)
    browser.get(path)  # the first page of a process also asks who the server is
    with statements() as sent:
        assert browser.get(path).status_code == 200
    assert len(sent) <= IDENTITY + most


def test_the_list_costs_no_more_while_a_meeting_runs(app, sign_in, charlie, supper):
    browser = sign_in(charlie)
    with at(supper.starts_at + MINUTE), statements() as sent:
        browser.get("/meetings")
    assert len(sent) <= IDENTITY + 1


@pytest.mark.parametrize(("after", "most"), [(-300, 3), (-5, 3), (5, 3), (61, 5)])
def test_the_page_of_a_meeting_costs_three_and_when_it_is_over_two_for_the_next_and_the_notes(
    app, sign_in, charlie, superuser, supper, after, most
):
    invite(superuser, charlie, supper, answer="waitlisted", waiting_since=supper.starts_at)
    browser = sign_in(charlie)
    with at(supper.starts_at + after * MINUTE), statements() as sent:
        browser.get(f"/meetings/{supper.id}")
    assert len(sent) <= IDENTITY + most


@pytest.mark.parametrize("path", ["/meetings", "/meetings/past", "/family", "/account", "/orders"])
def test_ten_meetings_cost_what_two_hundred_cost(app, sign_in, alice, superuser, path):
    programme(superuser, 10, days=-5)
    few = cost(app, sign_in(alice), path)
    programme(superuser, 190, days=-95)
    assert cost(app, sign_in(alice), path) == few


def cost(app, browser, path):
    with statements() as sent:
        assert browser.get(path).status_code == 200
    return len(sent)


def test_prepared_statements_survive_a_page(app, sign_in, charlie, superuser, database):
    plan(superuser, "Tonight")
    browser = sign_in(charlie)
    with app.app_context():
        db.engine.dispose()
    for _ in range(10):
        browser.get("/meetings")
    with app.app_context(), db.engine.connect() as connection:
        kept = connection.execute(text("select statement from pg_prepared_statements")).scalars().all()
    assert any("auth.whoami" in statement for statement in kept)
    assert any("FROM meetings" in statement for statement in kept)


def test_looking_leaves_no_trace_but_when_one_was_seen(sign_in, charlie, superuser, supper):
    browser = sign_in(charlie)
    before = sizes(superuser)
    for path in (
        "/meetings",
        "/meetings/past",
        f"/meetings/{supper.id}",
        f"/meetings/{supper.id}/live",
        f"/meetings/{supper.id}.ics",
    ):
        assert browser.get(path).status_code == 200
    assert sizes(superuser) == before


def sizes(superuser):
    tables = (
        "meetings",
        "meeting_attendances",
        "presences",
        "system_logs",
        "mails",
        "procrastinate_jobs",
        "orders",
        "users",
    )
    return [
        superuser.execute(f"select md5(string_agg(t::text, '' order by t::text)) from {table} t").fetchone()
        for table in tables
    ]
