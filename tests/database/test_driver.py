"""The portal's own way to ask: one transaction, prepared once, and every error as SQLAlchemy tells it."""

from typing import NamedTuple
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError, OperationalError

from portal import create_app
from portal.database import db
from portal.database.driver import Statement
from portal.database.identity import Role, act_as
from portal.database.query import Command, Query
from portal.database.rows import WrongColumns
from tests.support.web import settings_for


class Id(NamedTuple):
    """Somebody."""

    id: UUID


class Number(NamedTuple):
    """A number."""

    n: int | None


SEEN = Query(Id, text("select id from users where timezone like '%/%' or id = :who"))
ONE_MORE = Query(Number, text("select :number + 1 as n"))
LENGTH = Query(Number, text("select length(:words) as n"))
PID = Query(Number, text("select pg_backend_pid() as n"))
PREPARED = Query(Number, text("select count(*) as n from pg_prepared_statements"))


@pytest.fixture(params=[False, True], ids=["straight", "behind pgbouncer"])
def session(request, migrated, people, alice):
    """A session of the portal's in Alice's name."""
    with create_app(settings_for(migrated, pgbouncer=request.param)).app_context():
        act_as(db.session(), Role("portal_member", alice.id))
        yield db.session()


def test_names_become_numbers_and_a_percent_sign_stays_one():
    statement = Statement(b"select %(b)s, %(a)s, %(b)s like 'x%%'")
    assert (statement.sql, statement.names) == (b"select $1, $2, $1 like 'x%'", ("b", "a"))


def test_it_asks_in_the_name_of_whoever_asks(session, alice, bob):
    assert [row.id for row in SEEN.all(session, who=bob.id)] == [alice.id]


def test_a_statement_takes_values_of_every_size(session):
    """It is prepared for the types of its values, and small numbers are of another type than large ones."""
    assert [ONE_MORE.one(session, number=n).n for n in (1, 2**40, -1, None)] == [2, 2**40 + 1, 0, None]
    assert [LENGTH.one(session, words=words).n for words in ("", "ß\u202e", None)] == [0, 2, None]


def test_what_it_did_is_kept_or_forgotten_with_the_session(session, superuser, alice):
    move = Command(text("update users set timezone = :zone where id = :who"))
    for zone, end in (("Asia/Tokyo", session.rollback), ("Asia/Dubai", session.commit)):
        move.do(session, zone=zone, who=alice.id)
        end()
    assert superuser.execute("select timezone from users where id = %s", [alice.id]).fetchone() == ("Asia/Dubai",)


def test_a_refused_statement_raises_and_the_next_transaction_is_fine(session, alice, bob):
    with pytest.raises(DBAPIError, match="permission denied"):
        Command(text("delete from users")).do(session)
    with pytest.raises(DBAPIError, match="transaction is aborted"):
        SEEN.all(session, who=bob.id)
    session.rollback()
    assert SEEN.one(session, who=bob.id).id == alice.id


def test_what_is_prepared_is_prepared_anew_after_psycopg_gave_it_up(session, bob, alice):
    """psycopg deallocates everything when it rolls back, if it had prepared something itself."""
    for _time in range(7):
        session.execute(text("select 1"))
    LENGTH.one(session, words="x")
    session.rollback()
    assert LENGTH.one(session, words="x").n == 1


def test_a_connection_whose_server_was_killed_is_forgotten(session, superuser):
    gone = PID.one(session).n
    superuser.execute("select pg_terminate_backend(%s, 5000)", [gone])
    with pytest.raises(OperationalError) as told:
        PID.one(session)
    session.rollback()
    session.close()
    assert told.value.connection_invalidated and PID.one(session).n != gone


def test_a_connection_that_was_closed_while_nobody_used_it_is_replaced_before_it_is_used(session, superuser):
    gone = PID.one(session).n
    session.close()
    superuser.execute("select pg_terminate_backend(%s, 5000)", [gone])
    assert PID.one(session).n != gone


def test_a_statement_is_prepared_once_a_connection_but_not_where_the_next_may_be_another_server(session):
    for _time in range(3):
        LENGTH.one(session, words="x")
        session.commit()
    behind_pgbouncer = session.connection().connection.driver_connection.prepare_threshold is None
    assert PREPARED.one(session).n == (0 if behind_pgbouncer else 3)  # who asks, what is asked, and this


@pytest.mark.parametrize("columns", ["1 as m", "1 as n, 2 as m", "1"])
def test_a_statement_has_the_columns_of_its_row_or_is_told_at_once(session, columns):
    with pytest.raises(WrongColumns, match="Number has"):
        Query(Number, text(f"select {columns}")).all(session)
