"""A real mail server that takes, refuses or hangs as it is told, and a worker that sends to it."""

import asyncio
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from email import message_from_bytes
from email.message import Message
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, Envelope

from portal import create_app, mail
from portal.database import db
from portal.mail import Message as OutboxMessage
from portal.mail import transport
from tests.support.web import settings_for, work_off

HELLO = OutboxMessage(subject="Hello", headline="Good evening", body=("We are open.", "Come in."), why="You asked.")


class PostOffice:
    """What the server does next, and what it took."""

    def __init__(self) -> None:
        self.taken: list[Envelope] = []
        self.logins: list[tuple[bytes, bytes]] = []
        self.to_the_address = self.to_the_mail = ""
        self.hangs = self.drops_the_answer = False
        self.connections: set[object] = set()
        self.at_most, self.says_no_more_to = 1000, "MAIL"
        self.when_taken: Callable[[], object] = lambda: None

    @property
    def messages(self) -> list[Message]:
        return [message_from_bytes(envelope.content) for envelope in self.taken]

    async def handle_MAIL(self, server, session, envelope, address, options):  # noqa: N802
        self.connections.add(session.peer)
        envelope.mail_from = address
        return self._enough(server, session, "MAIL")

    async def handle_RSET(self, server, session, envelope):  # noqa: N802
        return self._enough(server, session, "RSET")

    def _enough(self, server, session, command):
        """After so many mails by one connection it is over, as Exim and others have it."""
        session.taken = getattr(session, "taken", 0) + (command == "MAIL")
        if self.says_no_more_to == command and session.taken + (command == "RSET") > self.at_most:
            return "421 enough for now"
        return "250 OK"

    async def handle_RCPT(self, server, session, envelope, address, options):  # noqa: N802 - aiosmtpd's word
        if self.hangs:
            await asyncio.sleep(5)
        if not self.to_the_address:
            envelope.rcpt_tos.append(address)
        return self.to_the_address or "250 OK"

    async def handle_DATA(self, server, session, envelope):  # noqa: N802
        if self.to_the_mail:
            return self.to_the_mail
        self.taken.append(envelope)
        self.when_taken()
        if self.drops_the_answer:
            server.transport.abort()
        return "250 taken"

    def authenticate(self, server, session, envelope, mechanism, said):
        self.logins.append((said.login, said.password))
        return AuthResult(success=True)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


Serve = Callable[..., tuple[PostOffice, int]]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """`serve()`: a post office and its port; with `tls_context` it offers STARTTLS."""
    running: list[Controller] = []

    def open_office(**options: object) -> tuple[PostOffice, int]:
        office, port = PostOffice(), free_port()
        if "tls_context" in options:
            options |= {"authenticator": office.authenticate, "auth_required": True, "require_starttls": True}
        running.append(Controller(office, hostname="127.0.0.1", port=port, **options))
        running[-1].start()
        return office, port

    yield open_office
    for controller in running:
        controller.stop(no_assert=True)


@pytest.fixture
def office(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> tuple[PostOffice, int]:
    """A post office as they are, and little patience with it."""
    monkeypatch.setattr(transport, "PATIENCE", 0.5)
    return serve()


@pytest.fixture
def send(migrated, database, superuser: psycopg.Connection) -> Iterator[Callable[..., None]]:
    """`send("smtp://…")`: a worker of its own does what is waiting, whether or not its time has come."""
    apps = {}

    def send_by(url: str, **more: object) -> None:
        if url not in apps:
            settings = settings_for(migrated, mail_url=url, mail_from="Goalete <club@goalete.example>", **more)
            apps[url] = create_app(settings, database_url=settings.worker_url)
        superuser.execute("update procrastinate_jobs set scheduled_at = null where status = 'todo'")
        work_off(apps[url], database)

    yield send_by
    for app in apps.values():
        with app.app_context():
            db.engine.dispose()


@pytest.fixture
def write(app, database) -> Callable[..., None]:
    """`write()`: a letter to Ana into the outbox, as a request of the portal does."""

    def put(
        recipient: str = "ana@club.example", message: OutboxMessage = HELLO, kind: str = "known", **more: object
    ) -> None:
        with app.app_context():
            mail.write(db.session(), kind, recipient, message, **more)
            db.session.commit()

    return put


class Kept:
    """The one mail in the outbox."""

    def __init__(self, row: dict[str, object]) -> None:
        self.id: UUID = row["id"]  # type: ignore[assignment]
        self.__dict__.update(row)


@pytest.fixture
def kept(superuser: psycopg.Connection) -> Callable[[], Kept]:
    """`kept()`: how the one mail in the outbox stands."""

    def look() -> Kept:
        with superuser.cursor(row_factory=psycopg.rows.dict_row) as cursor:
            (row,) = cursor.execute("select * from mails").fetchall()
            return Kept(row)

    return look


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ssl.SSLContext]:
    """A certificate for 127.0.0.1 that only who is told of it trusts, and a server's context with it."""
    folder = tmp_path_factory.mktemp("tls")
    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
            "-subj",
            "/CN=127.0.0.1",
            "-addext",
            "subjectAltName=IP:127.0.0.1",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return folder / "cert.pem", context
