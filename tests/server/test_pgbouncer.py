"""Behind pgbouncer in transaction mode: pages go through it, whoever listens goes past it, and a wrong address is told."""

import os
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest

from portal.config import LOGINS, ROOT
from tests.server.conftest import _folder, reachable
from tests.support.club_server import free_port

MEASURE = "insert into procrastinate_jobs (task_name, queue_name) select 'operations.measure', 'default' from generate_series(1, 20)"
DONE = "select count(*) from procrastinate_jobs where task_name = 'operations.measure' and status = 'succeeded'"


CORE = (
    "accounts/test_sign_in.py",
    "accounts/test_sign_up.py",
    "attendance/test_answers_on_pages.py",
    "attendance/test_door.py",
    "attendance/test_waitlist.py",
    "billing/test_webhook.py",
    "families/test_seats.py",
    "jobs/test_queue.py",
    "meetings/test_one_meeting.py",
)
"""Tests whose statements meet another server connection each time: sign-ins, answers, money, families, jobs."""


@pytest.fixture
def before_the_suite(server_url: str) -> Iterator[int]:
    """The port of a pgbouncer in transaction mode before the server that all tests share."""
    port = free_port()
    with _folder() as folder, psycopg.connect(server_url) as superuser:
        info = superuser.info
        users = folder / "users.txt"
        users.write_text("".join(f'"{login}" ""\n' for login in LOGINS.values()))
        conf = folder / "pgbouncer.ini"
        conf.write_text(
            f"[databases]\n* = host={info.host} port={info.port}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = trust\n"
            f"auth_file = {users}\npool_mode = transaction\ndefault_pool_size = 40\nmax_client_conn = 400\n"
        )
        user = Path(info.host).owner()  # who alone reaches the server's socket
        pooling = subprocess.Popen(["/usr/sbin/pgbouncer", "-q", str(conf)], cwd=folder, user=user)
        while not reachable(port):
            assert pooling.poll() is None
        yield port
        pooling.terminate()
        pooling.wait(20)


def test_the_core_of_the_suite_passes_through_it(before_the_suite, server_url):
    environment = {**os.environ, "TEST_PGBOUNCER": str(before_the_suite), "TEST_SERVER_URL": server_url}
    files = [f"tests/{name}" for name in CORE]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", *files], env=environment, cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-4000:]


def test_pages_streams_and_worker_each_on_the_address_for_them(club):
    club.start_bouncer()
    direct, pooled = club.address("portal_web"), club.address("portal_web", pooled=True)
    queue, jobs = club.address("portal_worker"), club.address("portal_worker", pooled=True)
    club.start_worker(WORKER_DATABASE_URL=jobs, QUEUE_DATABASE_URL=queue, PGBOUNCER="yes")
    club.start_pages(DATABASE_URL=pooled, LIVE_DATABASE_URL=direct, PGBOUNCER="yes")
    club.until(lambda: club.status("/status") == 200, "pages and worker are well")
    with ThreadPoolExecutor(8) as readers:  # more than pgbouncer has connections for: each statement meets another one
        assert set(readers.map(club.status, ["/", "/plans", "/sign-in", "/readyz", "/live/healthz"] * 16)) == {200}
    with club.postgres.superuser(club.name) as superuser:
        superuser.execute(MEASURE)
        club.until(lambda: superuser.execute(DONE).fetchone() >= (20,), "twenty jobs are done")
    assert "Traceback" not in club.said("worker") + club.said("pages")


def test_both_come_back_after_the_database_was_restarted_behind_it(club):
    club.start_bouncer()
    club.start_worker()
    pooled = club.address("portal_web", pooled=True)
    club.start_pages(DATABASE_URL=pooled, LIVE_DATABASE_URL=club.address("portal_web"), PGBOUNCER="1")
    club.until(lambda: club.status("/status") == 200, "pages and worker are well")
    club.postgres.stop()
    club.until(lambda: club.status("/live/healthz") == 503, "the streams know that they hear nothing")
    club.postgres.start()
    club.until(lambda: club.status("/live/healthz") == 200, "the streams hear again")
    club.until(lambda: club.status("/readyz") == 200, "pages are served again")
    with club.postgres.superuser(club.name) as superuser:
        superuser.execute(MEASURE)
        club.until(lambda: superuser.execute(DONE).fetchone() >= (20,), "jobs are done again")


def test_a_worker_that_was_not_told_of_it_says_so_at_start(club):
    club.start_bouncer()
    club.start_worker(WORKER_DATABASE_URL=club.address("portal_worker", pooled=True))
    assert club.ended("worker") == 1
    assert club.said("worker").splitlines()[-1].startswith("portal: WORKER_DATABASE_URL leads through a pooler")
    assert "Traceback" not in club.said("worker")


def test_a_queue_behind_it_says_at_start_that_it_cannot(club):
    club.start_bouncer()
    club.start_worker(WORKER_DATABASE_URL=club.address("portal_worker", pooled=True), PGBOUNCER="1")
    assert club.ended("worker") == 1
    assert club.said("worker").splitlines()[-1].startswith("portal: QUEUE_DATABASE_URL does not let through")


def test_streams_behind_it_say_at_start_that_they_cannot(club):
    club.start_bouncer()
    club.start_pages(DATABASE_URL=club.address("portal_web", pooled=True), PGBOUNCER="1")
    club.until(lambda: "portal: LIVE_DATABASE_URL does not let through" in club.said("pages"), "they say so")
    assert "Traceback" not in club.said("pages") and club.status("/") == 0


def test_pages_that_were_not_told_of_it_say_so_at_start(club):
    club.start_bouncer()
    club.start_pages(DATABASE_URL=club.address("portal_web", pooled=True), LIVE_DATABASE_URL=club.address("portal_web"))
    club.until(lambda: "portal: DATABASE_URL leads through a pooler" in club.said("pages"), "they say so")
    assert "Traceback" not in club.said("pages") and club.status("/") == 0
