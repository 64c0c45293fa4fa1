"""PostgreSQL with a streaming replica: the primary stops, pages are read from the replica; it is promoted, and all goes on."""

import contextlib
import http.client
import re
import subprocess
import threading
from collections.abc import Iterator

import pytest
from flask.sessions import session_json_serializer
from itsdangerous import URLSafeTimedSerializer

from portal.accounts.member import key_hash, new_key
from portal.live.token import Audience, Ticket, issue
from tests.server.conftest import Club, Postgres, _club, _folder, password
from tests.support import cast
from tests.support.cast import ALICE
from tests.support.club_server import free_port

SECRET = "a secret for the server's tests, long enough"
RAW_TOKEN = "0" * 40
MEASURE = "insert into procrastinate_jobs (task_name, queue_name) values ('operations.measure', 'default')"
DONE = "select count(*) from procrastinate_jobs where task_name = 'operations.measure' and status = 'succeeded'"
SOON = 20
"""Seconds within which everything is back."""


class Replica(Postgres):
    """A hot standby that streams from `primary`."""

    def __init__(self, primary: Postgres, folder) -> None:
        self.data, self.port, self.folder, self.programs = folder / "data", free_port(), folder, primary.programs
        source = f"host={primary.folder} port={primary.port} user=postgres"
        self.run("pg_basebackup", "-d", source, "-D", str(self.data), "-R", "-X", "stream", "-c", "fast")
        conf = self.data / "postgresql.conf"
        settings = re.sub(r"^(port|unix_socket_directories) = .*$", "", conf.read_text(), flags=re.MULTILINE)
        conf.write_text(f"{settings}\nport = {self.port}\nunix_socket_directories = '{folder}'\n")
        self.start()

    def promote(self) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "promote")


class ClubOfTwo(Club):
    """A club whose processes know both servers; `postgres` is the one that takes changes."""

    replica: Replica

    def address(self, login: str, *, pooled: bool = False) -> str:
        hosts = ",".join(f"127.0.0.1:{server.port}" for server in (self.postgres, self.replica))
        return f"postgresql://{login}:{password(login)}@{hosts}/{self.name}"


@pytest.fixture
def club() -> Iterator[Club]:
    with _folder() as first, _folder() as second:
        primary = Postgres(first)
        with _club(primary, "goalete") as made:
            made.migrate()
            made.__class__, made.replica = ClubOfTwo, Replica(primary, second)
            try:
                yield made
            finally:
                for server in (primary, made.replica):
                    with contextlib.suppress(subprocess.CalledProcessError):
                        server.stop()


class Member:
    """Alice's browser, with a sign-in that was last seen ten minutes ago: pages want to note that she is here."""

    def __init__(self, club: Club) -> None:
        self.port, key = club.port, new_key()
        with club.postgres.superuser(club.name) as superuser:
            cast.assemble(superuser)
            self.meeting = cast.plan_meeting(superuser, "Evening", max_attendees=None).id
            superuser.execute("select auth.open_sign_in(%s, %s, 'Test', null)", [ALICE.id, key_hash(key)])
            superuser.execute("update sign_ins set seen_at = now() - interval '10 minutes'")
            (sign_in,) = superuser.execute("select id from sign_ins").fetchone()
        signed = URLSafeTimedSerializer(
            SECRET,
            salt="cookie-session",
            serializer=session_json_serializer,
            signer_kwargs={"key_derivation": "hmac", "digest_method": "sha1"},
        )
        session = signed.dumps({"_user_id": key, "_fresh": True, "csrf_token": RAW_TOKEN})
        self.headers = {
            "Cookie": f"__Host-session={session}",
            "X-CSRFToken": URLSafeTimedSerializer(SECRET, salt="wtf-csrf-token").dumps(RAW_TOKEN),
            "Origin": "https://portal.example",
            "Host": "portal.example",
            "Content-Type": "application/x-www-form-urlencoded",
        }
        self.ticket = issue(
            SECRET, Ticket(str(self.meeting), Audience("Europe/Berlin", names_shown=False), str(sign_in), None)
        )

    def ask(self, method: str, path: str, body: str | None = None) -> tuple[int, str]:
        """Status and text; 0 if nobody answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            connection.request(method, path, body, self.headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def answers(self, answer: str) -> tuple[int, str]:
        return self.ask("POST", f"/meetings/{self.meeting}/answer", f"answer={answer}")

    def listen(self) -> list[bytes]:
        """What the stream of the meeting's page brings, as it comes."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        connection.request("GET", f"/live/meetings?token={self.ticket}")
        stream, heard = connection.getresponse(), []

        def read() -> None:
            with contextlib.suppress(OSError, ValueError):
                heard.extend(iter(stream.readline, b""))

        threading.Thread(target=read, daemon=True).start()
        return heard


def test_a_promoted_replica_carries_everything_on(club):
    alice = Member(club)
    club.start_worker()
    club.start_pages()
    club.until(lambda: club.status("/status") == 200, "pages and worker are well")
    heard = alice.listen()
    assert alice.answers("accepted")[0] == 303

    club.postgres.stop()
    club.until(lambda: alice.ask("GET", "/meetings")[0] == 200, "pages are read from the replica", SOON)
    for path in ("/family", "/orders", "/account", f"/meetings/{alice.meeting}", "/readyz"):
        assert alice.ask("GET", path)[0] == 200, path
    status, page = alice.answers("declined")
    assert status == 503 and "Nothing can be changed just now." in page
    club.until(lambda: "went away" in club.said("worker"), "the worker waits", SOON)
    assert club.running["worker"].poll() is None

    club.replica.promote()
    club.until(lambda: alice.answers("declined")[0] == 303, "changes are taken", SOON)
    before = len(heard)
    club.until(lambda: club.status("/live/healthz") == 200, "the streams hear", SOON)
    assert alice.answers("accepted")[0] == 303
    club.until(
        lambda: any(b"data: " in line for line in heard[before:]), "the page that was open all the time is told", SOON
    )
    with club.replica.superuser(club.name) as superuser:
        superuser.execute(MEASURE)
        club.until(lambda: superuser.execute(DONE).fetchone() >= (1,), "jobs are done", SOON)
        assert superuser.execute("select answer from meeting_attendances").fetchall() == [("accepted",)]
    check = club.portal("check", WORKER_DATABASE_URL=club.address("portal_worker"))
    assert check.returncode == 0, check.stdout + check.stderr
    assert [line for line in club.said("worker").splitlines() if "Traceback" in line] == []
