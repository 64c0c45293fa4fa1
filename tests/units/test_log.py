"""The system log: who did what to whom, and no secret."""

import pytest

from portal import audit
from portal.accounts.jobs import send_reset
from portal.database import db
from portal.database.identity import ANONYMOUS, WORKER, Role, act_as


@pytest.fixture
def rows(superuser):
    """`rows()`: the log."""
    columns = "user_id, subject_id, operation, message, category, level, metadata, ip_address::text, request_id"
    return lambda: superuser.execute(f"select {columns} from system_logs").fetchall()


def test_who_did_what_to_whom(app, alice, bob, rows):
    with app.app_context():
        act_as(db.session(), Role("portal_member", alice.id))
        audit.record(db.session(), "seat.given", "Gave a seat", subject_id=bob.id, seats=2)
        db.session.commit()
    assert rows() == [(alice.id, bob.id, "seat.given", "Gave a seat", "user", "info", {"seats": 2}, None, None)]


def test_what_looks_like_a_secret_is_struck_out(app, database, rows):
    with app.app_context():
        act_as(db.session(), ANONYMOUS)
        audit.record(db.session(), "x", "y", new_password="1", reset_token="2", meeting_link="3", card="4", name="5")
        db.session.commit()
    struck = dict.fromkeys(("new_password", "reset_token", "meeting_link", "card"), "[struck out]")
    assert rows()[0][6] == {**struck, "name": "5"}


def test_a_request_leaves_where_it_came_from_and_its_name(client, rows, superuser, database):
    answer = client.post(
        "/sign-in",
        data={"csrf_token": client.token(), "email": "a@b.example", "password": "x"},
        headers={"User-Agent": "Agent\u00e9 " * 200},
    )
    assert rows()[0][7:] == ("127.0.0.1/32", answer.headers["X-Request-Id"])
    assert superuser.execute("select length(user_agent) from system_logs").fetchone() == (400,)


def test_the_jobs_of_a_request_go_by_its_name(client, alice, work, superuser):
    answer = client.submit("/reset", email=alice.email)
    work()
    named = "select operation, user_id, ip_address is null from system_logs where request_id = %s order by timestamp"
    assert superuser.execute(named, [answer.headers["X-Request-Id"]]).fetchall() == [
        ("password.reset-asked", None, False),
        ("password.reset-sent", None, True),
    ]
    left = superuser.execute("select distinct args ->> 'reference' from procrastinate_jobs where args ? 'reference'")
    assert left.fetchall() == [(answer.headers["X-Request-Id"],)]


def test_what_the_clock_causes_has_no_name(worker_app, superuser, database):
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        audit.record(db.session(), "x", "y")
        send_reset.enqueue(db.session(), email="z")
        db.session.commit()
    assert superuser.execute("select request_id from system_logs").fetchall() == [(None,)]
    assert superuser.execute("select args from procrastinate_jobs").fetchall() == [({"email": "z"},)]


def test_a_long_message_is_cut(app, database, rows):
    with app.app_context():
        audit.record(db.session(), "x", "y" * 5000)
        db.session.commit()
    assert len(rows()[0][3]) == 2000


@pytest.mark.parametrize(
    "statement", ["update system_logs set message = 'x'", "delete from system_logs", "truncate system_logs"]
)
def test_nobody_rewrites_the_log(statement, app, as_, alice, dora, rows):
    with app.app_context():
        audit.record(db.session(), "x", "y")
        db.session.commit()
    for person in (None, alice, dora):
        with pytest.raises(Exception, match="permission denied"), as_(person) as connection:
            connection.execute(statement)
    assert [row[3] for row in rows()] == ["y"]
