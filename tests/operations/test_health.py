"""What machines ask: does it live, can it serve, is the whole club well."""

from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from portal import clock, create_app
from portal.cli import portal
from portal.config import VERSION
from portal.operations.revision import HEAD, serves
from tests.support.reading import words
from tests.support.web import settings_for

DEAD = "postgresql+psycopg://portal_web@127.0.0.1:1/nowhere"


@pytest.fixture
def heartbeat(superuser):
    """`heartbeat(ago)`: a worker was heard so long ago."""

    def beat(ago):
        superuser.execute("insert into procrastinate_workers (last_heartbeat) values (now() - %s)", [ago])

    return beat


@pytest.fixture
def at_version(superuser):
    """`at_version("v1.3")`: the tables are at another revision, until the test is over."""
    (version,) = superuser.execute("select version_num from alembic_version").fetchone()
    yield lambda other: superuser.execute("update alembic_version set version_num = %s", [other])
    superuser.execute("update alembic_version set version_num = %s", [version])


def test_the_process_answers(client, database):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, f"alive, version {VERSION}\n")


def test_command_process_and_footer_name_the_same_version(client, sign_in, dora, alice):
    printed = CliRunner().invoke(portal, ["--version"]).output
    footer = words(sign_in(dora).get("/admin"), "footer")
    assert printed == f"Goalete Portal {VERSION}\n" and f"Version {VERSION}" in footer
    assert client.get("/healthz").text == f"alive, version {VERSION}\n"
    assert "Version" not in words(sign_in(alice).get("/meetings"), "footer")


def test_ready_is_database_and_migrations_and_needs_no_worker(client, database):
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert [line.split(",")[0] for line in answer.text.splitlines()] == ["database: ok", "database schema: ok"]


def test_the_whole_is_what_serves_and_the_worker(client, heartbeat):
    heartbeat(timedelta(seconds=5))
    answer = client.get("/status")
    assert answer.status_code == 200
    assert all(
        part in answer.text for part in ("Everything works.", "Database: ok", "Database schema: ok", "Worker: ok")
    )


def test_the_whole_is_not_well_without_a_worker(client, database):
    answer = client.get("/status")
    assert answer.status_code == 503 and "Not everything works." in answer.text and "Worker: not ok" in answer.text


def test_nor_when_the_worker_was_not_heard_for_a_minute(client, heartbeat):
    heartbeat(timedelta(seconds=61))
    assert client.get("/status").status_code == 503


def test_a_worker_is_heard_though_the_demos_clock_is_a_month_ahead(client, heartbeat):
    """The club's time was compared with the machine's, and a demo whose clock was moved could not be opened again."""
    heartbeat(timedelta(seconds=5))
    with clock.at(datetime.now(UTC) + timedelta(days=30)):
        assert client.get("/status").status_code == 200


def test_not_ready_on_the_tables_of_an_older_version(client, at_version):
    at_version("v1.3")
    answer = client.get("/readyz")
    assert answer.status_code == 503 and answer.text.endswith("database schema: not ok, not the one of this version\n")


def test_a_deploy_that_has_migrated_ahead_takes_nobody_out(client, at_version):
    at_version(f"{HEAD.partition('.')[0]}.999_later")
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("version", [None, "", "v1.3", "v3.0", "v20.1", "v21"])
def test_code_serves_no_tables_but_its_own_and_later_ones_of_its_major_number(version):
    assert serves(HEAD) and serves("v2.999_later") and not serves(version)


def test_without_a_database_it_lives_and_is_not_ready(migrated):
    lonely = create_app(settings_for(migrated, database_url=DEAD)).test_client()
    assert lonely.get("/healthz").status_code == 200
    answer = lonely.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "database: not ok, it does not answer\n")


def test_health_tells_nothing_of_the_inside(client, database):
    text = client.get("/status").text + client.get("/healthz").text
    assert not [word for word in ("portal_web", "postgres", "127.0.0.1", "Python", "secret") if word in text]
