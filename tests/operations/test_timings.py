"""How long statements and connections take: counted in the process, added up in the database, and cheap."""

import time

import pytest
from sqlalchemy import text
from sqlalchemy.exc import TimeoutError as PoolTimeout

from portal import create_app
from portal.database import db, driver, timings
from portal.database.timings import Counts
from tests.support.web import settings_for


@pytest.fixture
def counts(monkeypatch):
    """This process's counts, new, and due at once."""
    fresh = Counts()
    for module in (timings, driver):
        monkeypatch.setattr(module, "counts", fresh)
    monkeypatch.setattr(timings, "EVERY", 0)
    return fresh


@pytest.fixture
def kept(migrated, database, counts):
    """A portal that writes down what it counted after every request."""
    app = create_app(settings_for(migrated))
    timings.keep(app, db)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_what_a_page_asked_is_written_down_by_day(kept, superuser):
    kept.test_client().get("/sign-in")
    kept.test_client().get("/readyz")
    (calls, total, most) = superuser.execute(
        "select calls, total_ms, most_ms from statement_timings where statement like '%worker_heartbeat() > now()%'"
        " and day = (now() at time zone 'utc')::date"
    ).fetchone()
    assert calls == 1 and 0 < most <= total < 1000


def test_processes_and_minutes_are_added_up(kept, superuser):
    for _ in range(3):
        kept.test_client().get("/readyz")
    calls = "select calls from statement_timings where statement like '%worker_heartbeat() > now()%'"
    assert superuser.execute(calls).fetchone() == (3,)
    (taken, waits, waited) = superuser.execute("select taken, waits, waited_ms from pool_timings").fetchone()
    assert taken == sum(waits) >= 3 and waited > 0


def test_what_was_typed_is_in_no_text_that_is_kept(kept, superuser):
    browser = kept.test_client()
    browser.get("/sandbox/mailbox?q=seven+quiet+evenings")
    browser.get("/healthz")
    texts = superuser.execute("select string_agg(statement, ' ') from statement_timings").fetchone()[0]
    assert "sandbox_mails" in texts and "seven quiet evenings" not in texts


def test_a_pool_that_has_no_connection_left_is_counted_and_told(kept, superuser, monkeypatch):
    """A connection for each of two threads and no more: the third waits, gives up, and the page says so."""
    with kept.app_context():
        pool = db.engine.pool
        monkeypatch.setattr(pool, "_timeout", 0.2)
        taken = [db.engine.connect() for _thread in range(2)]
        began = time.monotonic()
        with pytest.raises(PoolTimeout):
            db.engine.connect()
        assert 0.2 <= time.monotonic() - began < 2
        assert kept.test_client().get("/meetings", headers={"Cookie": "__Host-session=x"}).status_code == 303
        for connection in taken:
            connection.close()
    timed_out, ago, waits = superuser.execute(
        "select timeouts, now() - timed_out_at < interval '1 minute', waits[12] from pool_timings"
    ).fetchone()
    assert timed_out >= 1 and ago and waits >= 1  # the twelfth step is half a second


def test_counts_that_cannot_be_written_down_are_no_ones_error(migrated, counts, caplog):
    dead = "postgresql+psycopg://portal_web@127.0.0.1:1/nowhere"
    app = create_app(settings_for(migrated, database_url=dead))
    timings.keep(app, db)
    assert app.test_client().get("/healthz").status_code == 200
    assert "Timings of a minute are lost: OperationalError" in caplog.text


def test_it_writes_once_a_minute_and_knows_only_so_many_statements(monkeypatch):
    counts = Counts()
    for number in range(timings.MOST_STATEMENTS + 50):
        counts.count_statement(f"select {number}", 0.001)
    assert counts.due() is None
    monkeypatch.setattr(timings, "EVERY", 0)
    assert len(counts.due()["statements"].obj) == timings.MOST_STATEMENTS


def test_a_statement_that_failed_took_its_time_as_well(kept, superuser):
    with kept.app_context(), pytest.raises(Exception, match="division"), db.engine.connect() as connection:
        connection.execute(text("select 1 / 0 as nothing"))
    assert superuser.execute("select calls from statement_timings where statement like '%nothing'").fetchone() == (1,)
