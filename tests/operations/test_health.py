"""What machines ask: does it live, and can it serve."""

from datetime import timedelta

import pytest

from portal import create_app
from tests.support.web import settings_for

DEAD = "postgresql+psycopg://portal_web@127.0.0.1:1/nowhere"


@pytest.fixture
def heartbeat(superuser):
    """`heartbeat(ago)`: a worker was heard so long ago."""

    def beat(ago):
        superuser.execute("insert into procrastinate_workers (last_heartbeat) values (now() - %s)", [ago])  # fmt: skip

    return beat


def test_the_process_answers(client, database):
    answer = client.get("/healthz")
    assert (answer.status_code, answer.text) == (200, "alive\n")


def test_ready_is_database_migrations_and_worker(client, heartbeat):
    heartbeat(timedelta(seconds=5))
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert [line.split(",")[0] for line in answer.text.splitlines()] == ["database: ok", "migrations: ok", "worker: ok"]


def test_not_ready_without_a_worker(client, database):
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "worker: not ok" in answer.text


def test_not_ready_when_the_worker_was_not_heard_for_a_minute(client, heartbeat):
    heartbeat(timedelta(seconds=61))
    assert client.get("/readyz").status_code == 503


def test_not_ready_on_the_tables_of_another_version(client, heartbeat, superuser):
    heartbeat(timedelta(0))
    (version,) = superuser.execute("select version_num from alembic_version").fetchone()
    superuser.execute("update alembic_version set version_num = 'v1.3'")
    answer = client.get("/readyz")
    superuser.execute("update alembic_version set version_num = %s", [version])
    assert answer.status_code == 503 and "migrations: not ok, at v1.3" in answer.text


def test_without_a_database_it_lives_and_is_not_ready(migrated):
    lonely = create_app(settings_for(migrated, database_url=DEAD)).test_client()
    assert lonely.get("/healthz").status_code == 200
    answer = lonely.get("/readyz")
    assert (answer.status_code, answer.text) == (503, "database: not ok, it does not answer\n")


def test_health_tells_nothing_of_the_inside(client, database):
    text = client.get("/readyz").text + client.get("/healthz").text
    assert not [word for word in ("portal_web", "postgres", "127.0.0.1", "Python", "secret") if word in text]
