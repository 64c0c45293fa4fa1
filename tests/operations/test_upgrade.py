"""A new version of the tables: tried on a copy first, and the club itself is touched only when that went well."""

from dataclasses import replace

import pytest
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from portal.operations.demo import mark_demo
from portal.operations.migrate import migrate
from portal.operations.revision import HEAD
from portal.operations.upgrade import reset, upgrade
from portal.problems import Problem
from tests.support import server
from tests.support.web import settings_for


@pytest.fixture
def old(server_url, tmp_path):
    """A club whose functions were made from files of an earlier day."""
    with server.empty_database(server_url, "earlier") as database:
        settings = settings_for(database, backups=tmp_path / "backups", sandbox_clock=tmp_path / "clock")
        migrate(settings, "head")
        with database.connect(autocommit=True) as postgres:
            postgres.execute("update database_objects set digest = 'earlier' where path = 'database/sql/club_now.sql'")
            postgres.execute("insert into users (email) values ('ana@duarte.pt')")
            yield settings, postgres


@pytest.fixture
def session(old):
    """The worker's session on it."""
    engine = create_engine(old[0].worker_url)
    with Session(engine) as session:
        yield session
    engine.dispose()


def upgraded(postgres):
    return postgres.execute("select from database_objects where digest = 'earlier'").fetchone() is None


def test_it_backs_up_tries_migrates_and_checks(old, session):
    settings, postgres = old
    lines = []
    upgrade(session, settings, lines.append)
    assert upgraded(postgres) and lines[0].startswith("Backed up to earlier-")
    assert lines[1:3] == [f"A copy was brought to {HEAD} and keeps every promise.", f"The tables are at {HEAD}."]
    assert postgres.execute("select revision, row_counts->>'users' from backups").fetchone() == (HEAD, "1")


def test_a_migration_that_fails_on_the_copy_leaves_the_club_as_it_was(old, session, monkeypatch):
    settings, postgres = old
    postgres.execute("delete from database_objects where path = 'meetings/sql/extend_series.sql'")
    with pytest.raises(Problem, match=r"did not go through.*extend_series"):
        upgrade(session, settings, print)
    assert not upgraded(postgres) and len(list(settings.backups.glob("*.dump"))) == 1


def test_a_copy_that_breaks_a_promise_stops_it(old, session):
    settings, postgres = old
    postgres.execute(
        "update users set access_until = now() + interval '1 day', subscription_expiry = now() + interval '1 day'"
    )
    with pytest.raises(Problem, match=r"A copy that was brought to .* breaks promises: Everybody's dates"):
        upgrade(session, settings, print)
    assert not upgraded(postgres)


def test_tables_that_are_up_to_date_are_left_alone(at_work, settings, people):
    lines = []
    upgrade(at_work, settings, lines.append)
    assert lines == [f"The tables are at {HEAD} already."] and not settings.backups.exists()


def test_no_tables_at_all_are_for_another_command(server_url, session):
    with server.empty_database(server_url, "bare") as bare, pytest.raises(Problem, match="run `portal migrate`"):
        upgrade(session, settings_for(bare), print)


def test_without_a_folder_for_the_backup_nothing_is_begun(old, session):
    settings, postgres = old
    with pytest.raises(Problem, match="BACKUPS names no folder"):
        upgrade(session, replace(settings, backups=None), print)
    assert not upgraded(postgres)


# --- beginning anew ----------------------------------------------------------------------------------------------------


def test_the_sandbox_can_begin_anew(old):
    settings, postgres = old
    mark_demo(settings)
    settings.sandbox_clock.write_text("86400")
    reset(settings)
    assert upgraded(postgres) and postgres.execute("select count(*) from users").fetchone() == (0,)
    assert not settings.sandbox_clock.exists()


def test_a_sandbox_that_was_pointed_at_real_people_cannot(old):
    """SANDBOX=1 and the address of the real database in one shell: nothing but the demo's own mark lets it go on."""
    settings, postgres = old
    with pytest.raises(Problem, match="Real people live in the database earlier"):
        reset(settings)
    assert postgres.execute("select count(*) from users").fetchone() == (1,)


def test_a_real_club_cannot(old):
    settings, postgres = old
    with pytest.raises(Problem, match="for the sandbox only"):
        reset(replace(settings, sandbox=False))
    assert postgres.execute("select count(*) from users").fetchone() == (1,)


def test_nor_one_that_is_running(old, session):
    settings, postgres = old
    mark_demo(settings)
    session.connection()
    with pytest.raises(Problem, match="stop it first"):
        reset(settings)
    assert not upgraded(postgres)


# --- the commands of Flask-Migrate ---------------------------------------------------------------------------------------


def test_flask_db_knows_where_the_tables_are_and_whether_they_are_the_models(app, database):
    runner = app.test_cli_runner()
    assert runner.invoke(args=["db", "current"]).exit_code == 0
    assert runner.invoke(args=["db", "check"]).exit_code == 0
