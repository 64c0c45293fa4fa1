"""Before the first request: the right database, a bound role, a setting for each thing; else one sentence."""

from types import SimpleNamespace

import pytest
from psycopg import sql

from portal import create_app
from portal.database import db
from portal.operations.migrate import migrate
from portal.operations.start import (
    begin,
    configured_threads,
    problems_reported,
    reach,
    refuse_deaf,
    refuse_few_connections,
    refuse_unsafe,
    refuse_version,
)
from portal.operations.work import work
from portal.problems import Problem
from portal.setting_values import driver_url
from tests.support import server
from tests.support.web import settings_for

DEAD = "postgresql+psycopg://portal_web@127.0.0.1:1/nowhere"


def started(database, login, **changes):
    url = driver_url(database.url(login))
    refuse_unsafe(create_app(settings_for(database, database_url=url, **changes)))


def test_the_web_login_is_let_through(database):
    started(database, "portal_web")


@pytest.mark.parametrize(
    ("login", "why"),
    [
        ("postgres", "may bypass row security"),
        ("portal_backup", "may bypass row security"),
        ("portal_owner", "may bypass|owns the tables"),
    ],
)
def test_a_login_that_looks_past_the_policies_is_refused(login, why, database):
    with pytest.raises(Problem, match=why):
        started(database, login)


def test_tables_of_another_version_are_refused(database, superuser):
    (version,) = superuser.execute("select version_num from alembic_version").fetchone()
    superuser.execute("update alembic_version set version_num = 'v1.3'")
    try:
        with pytest.raises(Problem, match=r"at revision v1\.3.*run `portal migrate`"):
            started(database, "portal_web")
    finally:
        superuser.execute("update alembic_version set version_num = %s", [version])


def test_a_database_nobody_may_read_is_told_apart(database, superuser):
    superuser.execute("revoke select on alembic_version from portal_web")
    try:
        with pytest.raises(Problem, match="run `portal roles`"):
            started(database, "portal_web")
    finally:
        superuser.execute("grant select on alembic_version to portal_web")


def test_an_empty_database_is_told_so(server_url):
    with server.empty_database(server_url, "bare") as bare, pytest.raises(Problem, match="no tables yet"):
        started(bare, "portal_web")


def test_no_database_is_told_so():
    with pytest.raises(Problem, match="cannot be reached"):
        reach(DEAD.replace("+psycopg", ""))


@pytest.mark.parametrize(
    ("number", "fits"), [(140013, False), (150000, True), (160004, True), (180001, True), (190000, False)]
)
def test_only_a_postgresql_that_was_tried(number, fits):
    connection = SimpleNamespace(info=SimpleNamespace(server_version=number))
    if fits:
        refuse_version(connection)
    else:
        with pytest.raises(Problem, match="runs on 15 to 18"):
            refuse_version(connection)


# --- migrating -------------------------------------------------------------------------------------------------------


def test_migrating_a_database_that_is_there_changes_nothing(database):
    migrate(settings_for(database), "head")
    started(database, "portal_web")


def test_a_revision_nobody_wrote_is_told_so(database):
    with pytest.raises(Problem, match="no way to revision v9"):
        migrate(settings_for(database), "v9")


def test_migrating_by_a_login_that_may_not_is_told_so(server_url):
    with server.empty_database(server_url, "forbidden") as bare:
        settings = settings_for(bare, owner_url=driver_url(bare.url("portal_worker")))
        with pytest.raises(Problem, match=r"OWNER_DATABASE_URL signs in as portal_worker; it must be portal_owner"):
            migrate(settings, "head")


@pytest.mark.parametrize(("login", "process"), [("portal_worker", "portal_web"), ("portal_web", "portal_worker")])
def test_each_process_refuses_the_login_of_another(login, process, database):
    app = create_app(settings_for(database), database_url=driver_url(database.url(login)))
    with pytest.raises(Problem, match=f"signs in as {login}; it must be {process}"):
        refuse_unsafe(app, process)


def test_an_address_announcements_come_through_is_let_through(database):
    refuse_deaf(database.url("portal_web"), "LIVE_DATABASE_URL")


@pytest.mark.parametrize(("login", "address"), [("portal_web", "database_url"), ("portal_worker", "worker_url")])
def test_no_process_serves_a_real_clubs_database_as_a_sandbox(login, address, database, monkeypatch):
    """SANDBOX=1 left in a shell: anybody would read every mail, and the admin's codes."""
    monkeypatch.setattr("portal.log.configure", lambda _settings: None)
    settings = settings_for(database)
    app = create_app(settings, database_url=getattr(settings, address))
    with pytest.raises(Problem, match=r"SANDBOX is on, but the database .* is not the demo's"):
        begin(app, login)
    with database.as_demo():
        assert begin(app, login) is app


def test_no_process_serves_the_demos_database_as_a_real_club(database, monkeypatch):
    """Anybody knows the password and the second factor of its admin."""
    monkeypatch.setattr("portal.log.configure", lambda _settings: None)
    app = create_app(settings_for(database, sandbox=False))
    assert begin(app) is app
    with database.as_demo(), pytest.raises(Problem, match="SANDBOX is off, but the database"):
        begin(app)


def test_what_a_server_loads_ends_in_sentences(capsys):
    with pytest.raises(SystemExit) as ended, problems_reported():
        raise Problem("CURRENCY is wrong.\nWELCOME_DAYS is wrong.")
    assert ended.value.code == "portal: CURRENCY is wrong.\nportal: WELCOME_DAYS is wrong."


# --- the worker ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("login", ["postgres", "portal_owner", "portal_backup"])
def test_the_worker_too_works_only_as_a_login_that_is_bound(login, database):
    """It said yes to any login, and a worker that looks past the policies would have been noticed by nobody."""
    app = create_app(settings_for(database), database_url=driver_url(database.url(login)))
    with pytest.raises(Problem, match="works as portal_worker"):
        work(app, database.url(login))


def test_the_worker_does_no_job_on_tables_of_another_version(database, superuser):
    (version,) = superuser.execute("select version_num from alembic_version").fetchone()
    superuser.execute("update alembic_version set version_num = 'v1.3'")
    settings = settings_for(database)
    app = create_app(settings, database_url=settings.worker_url)
    try:
        with pytest.raises(Problem, match="run `portal migrate`"):
            work(app, database.url("portal_worker"))
    finally:
        superuser.execute("update alembic_version set version_num = %s", [version])


def test_old_code_starts_again_though_a_deploy_has_migrated_ahead(database, superuser):
    (version,) = superuser.execute("select version_num from alembic_version").fetchone()
    superuser.execute("update alembic_version set version_num = 'v2.999_later'")
    try:
        started(database, "portal_web")
    finally:
        superuser.execute("update alembic_version set version_num = %s", [version])


@pytest.mark.parametrize(
    ("command", "threads"),
    [
        ("granian --interface wsgi --blocking-threads 3 wsgi:application", 3),
        ("granian --blocking-threads=12 wsgi:application", 12),
        ("granian --runtime-blocking-threads 9 wsgi:application", None),
        ("gunicorn wsgi:application", None),
    ],
)
def test_the_pool_is_as_large_as_the_server_has_threads(command, threads, database):
    assert configured_threads(command.split()) == threads
    app = create_app(settings_for(database, web_threads=5), threads=threads)
    with app.app_context():
        assert (db.engine.pool.size(), db.engine.pool._max_overflow) == (threads or 5, 0)


def test_a_database_that_lets_too_few_in_is_refused(database, superuser, monkeypatch):
    """The least of what the server, the database and the login allow."""
    app = create_app(settings_for(database), threads=30)
    refuse_few_connections(app)
    limit = sql.SQL("alter database {} connection limit {}")
    superuser.execute(limit.format(sql.Identifier(database.name), sql.Literal(50)))
    try:
        refuse_few_connections(app)
        monkeypatch.setenv("GRANIAN_WORKERS", "2")
        with pytest.raises(Problem, match="lets 50 connections in, but 2 processes of 30 threads may need 60"):
            refuse_few_connections(app)
        refuse_few_connections(create_app(settings_for(database, pgbouncer=True), threads=30))
    finally:
        superuser.execute(limit.format(sql.Identifier(database.name), sql.Literal(-1)))
