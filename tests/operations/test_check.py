"""`portal check`: nought on a healthy club, and each kind of drift is found."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.orm import Session

from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.operations.check import NEEDS_WORKER, PROMISES, findings, notes
from portal.setting_values import driver_url
from tests.support.cast import FAMILY, plan_meeting
from tests.support.waitlist import Waitlist

LONG_AGO = datetime.now(UTC).date() - timedelta(days=3)


@pytest.fixture
def club(as_, superuser, now, people, supper, quiet, circle, alice, bob, charlie, dora):
    """Somebody at the table, somebody waiting, somebody asking."""
    Waitlist(as_, superuser, supper, now).accepts(alice, bob, charlie)
    Waitlist(as_, superuser, quiet, now).accepts(alice)
    Waitlist(as_, superuser, circle, now).accepts(dora)
    return supper


def broken(session, **how) -> set[str]:
    return {finding.promise for finding in findings(session, **how) if finding.broken}


def test_a_healthy_club_keeps_every_promise(club, worker_app):
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        assert broken(db.session(), at_rest=True) == set()
        assert broken(db.session()) == {NEEDS_WORKER}
        db.session.rollback()


def test_an_empty_club_keeps_every_promise(database, worker_app):
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        assert broken(db.session(), at_rest=True) == set()
        db.session.rollback()


BEHIND_TRIGGERS = "set local session_replication_role = replica; "
DRIFT = {
    "A meeting's seats taken": "update meetings set seats_taken = seats_taken - 1 where title = 'Quiet'",
    "A meeting's line": "update meetings set waiting_count = 0 where title = 'Supper'",
    "A meeting's open requests": "update meetings set request_count = 5 where title = 'Circle'",
    "A meeting's attendees": "update meetings set attendee_count = 3 where title = 'Quiet'",
    "No meeting holds more": "alter table meetings drop constraint check_seats;"
    " update meetings set max_attendees = 1, seats_kept = 0 where title = 'Supper'",
    "Nobody waits while": "update meetings set max_attendees = 9 where title = 'Supper'",
    "First join and last leave": "insert into presences (meeting_id, user_id, joined_at, device_type)"
    " select a.meeting_id, a.user_id, m.starts_at, 'mobile' from meeting_attendances a join meetings m on m.id = a.meeting_id"
    " limit 1",
    "Nobody who clicked on Join": "insert into presences (meeting_id, user_id, joined_at, device_type, source)"
    " select m.id, u.id, now() - interval '3 days', 'mobile', 'click' from meetings m, users u where m.title = 'Gone' limit 1",
    "Whoever a platform saw": "insert into participants (meeting_id, identity) select id, 'iPad' from meetings limit 1;"
    " insert into presences (meeting_id, participant_id, user_id, session, joined_at, device_type)"
    " select p.meeting_id, p.id, u.id, '1', now(), 'tablet' from participants p, users u limit 1",
    "A family's counts": "update family_plans set current_members = 5",
    "Everybody is in the family": "update users set family_joined_at = now() - interval '1 day' where first_name = 'Bob'",
    "A family's primary": "update users set family_role = 'member' where family_role = 'primary';"
    " update family_memberships set role = 'member'",
    "Everybody's date": "update users set subscription_expiry = now() + interval '900 days' where first_name = 'Eve'",
    "Nobody who pays has more time unpaid": "insert into subscriptions (user_id, provider_subscription_id, status,"
    " subscription_type, billing_cycle, amount_minor, currency, started_at, free_until, grace_days) select user_id, 'sub_3',"
    " 'trialing', 'family', 'yearly', 1, 'USD', now() - interval '9 days', now() + interval '1 day', 7 from orders limit 1",
    "Nobody has two live": "insert into subscriptions (user_id, provider_subscription_id, status, is_duplicate, subscription_type,"
    " billing_cycle, amount_minor, currency, started_at, grace_days) select user_id, 'sub_2', 'active', true, 'family', 'yearly',"
    " 1, 'USD', now(), 7 from orders limit 1; update orders set provider_subscription_id = 'sub_2'",
    "What the provider says": "insert into provider_events (id, kind, customer_id, created_at, received_at)"
    " values ('evt', 'invoice.paid', 'cus', now(), now() - interval '2 hours')",
    "The provider and the club": "insert into drifts (kind, provider_id, difference, found_at) values ('different', 'sub', 'Look.', now())",
    "A paid order has its moment": "alter table orders drop constraint check_completed_at;"
    " update orders set completed_at = null",
    "Meetings whose hour has come": "update meetings set status = 'scheduled' where title = 'Gone'",
    "Mail leaves within": "insert into mails (kind, recipient, subject, created_at)"
    " values ('hello', 'a@club.example', 'Hello', now() - interval '11 minutes')",
    "No job is stuck": "insert into procrastinate_jobs (id, queue_name, task_name, status)"
    " values (900, 'default', 'x', 'doing');"
    " insert into procrastinate_events (job_id, type, at) values (900, 'started', now() - interval '11 minutes')",
    "No job has failed": "insert into procrastinate_jobs (id, queue_name, task_name, status)"
    " values (901, 'default', 'x', 'failed');"
    " insert into procrastinate_events (job_id, type, at) values (901, 'failed', now())",
    "Every table's row security": "alter table orders no force row level security",
    "Nobody's passwords": "create policy open on credentials using (true)",
    "Every view obeys": "create view everybody as select * from users",
    "No role that answers browsers": "create role passes_by bypassrls; grant passes_by to portal_web",
    "The logins that answer browsers": "do $$ begin"
    " execute 'alter role portal_web in database ' || quote_ident(current_database()) || ' set statement_timeout = 0'; end $$",
    "The tables are those": "update alembic_version set version_num = 'v0'",
}


@pytest.fixture
def hidden(club, database, superuser):
    """A session of the superuser, with a meeting long gone in it; whatever is done in it is undone."""
    plan_meeting(superuser, "Gone", scheduled_date=LONG_AGO, status="completed")
    engine = create_engine(driver_url(database.url()))
    with Session(engine) as session:
        yield session
        session.rollback()
    engine.dispose()


@pytest.mark.parametrize("promise", DRIFT)
def test_drift_is_found(promise, hidden):
    assert broken(hidden, at_rest=True) == set()
    hidden.connection().exec_driver_sql(BEHIND_TRIGGERS + DRIFT[promise])
    assert [found for found in broken(hidden, at_rest=True) if found.startswith(promise)]


def test_every_promise_has_its_drift():
    untried = {promise for promise in PROMISES if not any(promise.startswith(start) for start in DRIFT)}
    assert untried == {NEEDS_WORKER}


def test_a_mail_that_is_tried_again_is_no_drift(hidden):
    hidden.execute(
        text(
            "insert into mails (kind, recipient, subject, created_at, attempts)"
            " values ('hello', 'a@club.example', 'Hello', now() - interval '1 day', 3)"
        )
    )
    assert broken(hidden, at_rest=True) == set()


def test_large_objects_that_are_open_are_no_drift_and_are_told(hidden):
    assert list(notes(hidden)) == []
    hidden.execute(text("grant execute on function pg_catalog.lo_creat(integer) to public"))
    (note,) = notes(hidden)
    assert note.startswith("Large objects are open to every login")


def test_a_finding_counts_the_rows(hidden):
    hidden.execute(text("update family_plans set current_members = 4 where id = :id"), {"id": FAMILY})
    (found,) = [finding for finding in findings(hidden, at_rest=True) if finding.broken]
    assert found.broken == 1 and found.promise == "A family's counts are its people and its open invitations"
    assert isinstance(FAMILY, UUID)
