"""The portal as `docs/installation.md` runs it, without SANDBOX: web, live and worker with a login each, TLS in front.

Outside stand aiosmtpd, the stand-in Stripe, a server that answers for wherever a room's address leads and, for a club that
is connected to platforms, the stand-in Zoom and Google.
"""

import asyncio
import contextlib
import datetime
import os
import signal
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import psycopg
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from portal.assets import build
from portal.config import ROOT
from portal.sandbox import meet, zoom
from portal.sandbox.stripe import Stripe
from portal.sandbox.stripe.serve import Server
from tests.support.club_server import free_port
from tests.support.server import Database

HOST, ROOM_HOST = "portal.example.test", "meet.example.test"
ORGANIZER = "rooms@aydin.club"
WAIT = 60
"""Seconds anything may take."""


class PostOffice:
    """Takes every mail."""

    def __init__(self) -> None:
        self.taken: list[EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - aiosmtpd's word
        assert isinstance(envelope.content, bytes)
        self.taken.append(message_from_bytes(envelope.content, policy=policy.default))
        return "250 taken"

    def to(self, address: str) -> list[EmailMessage]:
        return [mail for mail in self.taken if address in mail["To"]]


class RealClub:
    """The processes of one club, and what stands around them."""

    def __init__(self, database: Database, folder: Path, **settings: str) -> None:
        self.database, self.folder = database, folder
        self.port, self.room_port, self._pages, self._streams = (free_port() for _ in range(4))
        self.url = f"https://{HOST}:{self.port}"
        self.post = PostOffice()
        self._mail = Controller(self.post, hostname="127.0.0.1", port=free_port())
        self._hook = (f"http://127.0.0.1:{self._pages}/webhooks/stripe", "whsec_real_club")
        stripe_port = free_port()
        stripe_url = f"http://127.0.0.1:{stripe_port}"
        self.stripe = Server(
            Stripe(folder / "stripe.sqlite3", stripe_url, "sk_test_real", self._hook), port=stripe_port
        )
        self.certificate = certificate(folder, HOST, ROOM_HOST)
        kept = {name: value for name, value in os.environ.items() if name.isupper() and not name.startswith("PORTAL")}
        self.common = {
            **kept,
            "SECRET_KEY": "a secret for a club that is real, long enough",
            "ADDRESS_KEY": "k" * 32,
            "ROOM_KEY": "r" * 32,
            "PUBLIC_URL": self.url,
            "STRIPE_SECRET_KEY": "sk_test_real",
            "STRIPE_URL": stripe_url,
            "ASSETS": str(folder / "assets"),
            "PYTHONUNBUFFERED": "1",
            **settings,
        }
        self.web = {
            "DATABASE_URL": database.url("portal_web"),
            "STRIPE_WEBHOOK_SECRET": self._hook[1],
            "TRUSTED_PROXIES": "1",
        }
        self.worker = {
            "WORKER_DATABASE_URL": database.url("portal_worker"),
            "MAIL_URL": f"smtp://127.0.0.1:{self._mail.port}",
            "MAIL_FROM": "The real club <club@example.test>",
        }
        self.operator = {name: database.url(login) for name, login in OPERATOR.items()}
        self.running: dict[str, subprocess.Popen[bytes]] = {}
        self._fronts: list[Front] = []
        self._platforms: list[zoom.Server | meet.Server] = []
        self._takes_cards = True

    def take_no_cards(self, **instead: str) -> None:
        """Without Stripe, as docs/installation.md says; `instead` are the settings that say how members pay, or that nobody does."""
        self._takes_cards = False
        for name in ("STRIPE_SECRET_KEY", "STRIPE_URL"):
            del self.common[name]
        del self.web["STRIPE_WEBHOOK_SECRET"]
        self.common |= instead

    def connect_zoom(self) -> zoom.World:
        """Give the club an account at Zoom, as docs/zoom.md says."""
        secret = "the secret token of an event subscription"
        world = zoom.World(hook=f"http://127.0.0.1:{self._pages}/webhooks/zoom", secret=secret)
        self._platforms.append(zoom.Server(world).start())
        self.common |= {"ZOOM_URL": world.url, "ZOOM_WEBHOOK_SECRET": secret}
        self.common |= {"ZOOM_ACCOUNT_ID": zoom.ACCOUNT, "ZOOM_CLIENT_ID": zoom.CLIENT}
        self.worker["ZOOM_CLIENT_SECRET"] = zoom.SECRET
        return world

    def connect_google(self, *accounts: meet.Account) -> meet.Meet:
        """Give the club a service account at Google, as docs/google-meet.md says; `accounts` are people signed in to it."""
        key = self.folder / "service-account.json"
        world = meet.Meet(self.folder / "meet.sqlite3", key, ORGANIZER, accounts=accounts)
        self._platforms.append(meet.Server(world).start())
        self.common |= {"GOOGLE_URL": world.url, "GOOGLE_ORGANIZER": ORGANIZER}
        self.worker["GOOGLE_SERVICE_ACCOUNT"] = str(key)
        return world

    def open(self) -> None:
        """From a database with its tables and nobody in it to pages that answer."""
        self._mail.start()
        build(self.folder / "assets")
        if self._takes_cards:
            self.stripe.start()
            self.portal("plans", "sync")
        self.start_web()
        self.start(
            "live", ["granian", *LISTEN, str(self._streams), "--interface", "asgi", "--factory", "portal.asgi:streams"]
        )
        self.start_worker()
        self._fronts = [
            Front(self.port, self.certificate, {"/live/": self._streams, "/": self._pages}),
            Front(self.room_port, self.certificate, {}),
        ]
        self.until(lambda: answers(f"http://127.0.0.1:{self._pages}/readyz"), "the pages are ready")
        self.until(lambda: answers(f"http://127.0.0.1:{self._streams}/live/healthz"), "the streams are ready")

    def start_web(self) -> None:
        threads = ["--interface", "wsgi", "--workers", "1", "--blocking-threads", "2", "wsgi:application"]
        self.start("web", ["granian", *LISTEN, str(self._pages), *threads])

    def start_worker(self) -> None:
        self.start("worker", ["portal", "work"])

    def portal(self, *command: str) -> str:
        """One `portal` command to its end, as the operator."""
        done = subprocess.run(
            [sys.executable, "-m", "portal", *command],
            env={**self.common, **self.web, **self.worker, **self.operator},
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=WAIT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start(self, name: str, command: list[str]) -> None:
        """A process with its own settings only, as its service file starts it."""
        own = self.worker if name == "worker" else self.web
        with open(self.folder / f"{name}.log", "ab") as log:
            self.running[name] = subprocess.Popen(
                [sys.executable, "-m", *command],
                env={**self.common, **own},
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """As a crash would."""
        child = self.running.pop(name)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def work(self, *jobs: str) -> None:
        """Have the worker do these jobs one after the other, as its clock does within a minute."""
        with self.superuser() as postgres:
            for name in jobs:
                (job_id,) = postgres.execute(WORK, {"name": name}).fetchall()[0]
                self.until(partial(is_done, postgres, job_id), f"{name} is done")

    def superuser(self) -> psycopg.Connection:
        return self.database.connect(autocommit=True)

    def until(self, true: Callable[[], bool], what: str, seconds: float = WAIT) -> None:
        """Wait until it is so."""
        end = time.monotonic() + seconds
        while not true():
            assert time.monotonic() < end, f"Not within {seconds:.0f} s: {what}.\n{self.logs()}"
            time.sleep(0.1)

    def logs(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in self.folder.glob("*.log"))

    def mail(self, address: str, subject: str) -> str:
        """The newest mail to somebody whose subject has these words, as soon as it came: its text."""
        self.until(lambda: any(subject in mail["Subject"] for mail in self.post.to(address)), f"a mail “{subject}”")
        mail = next(mail for mail in reversed(self.post.to(address)) if subject in mail["Subject"])
        body = mail.get_body(("plain",))
        assert body is not None
        return str(body.get_content())

    def close(self) -> None:
        for front in self._fronts:
            front.close()
        for child in self.running.values():
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGTERM)
        for child in self.running.values():
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(12)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
        for platform in self._platforms:
            platform.stop()
        if self._takes_cards:
            self.stripe.stop()
        self._mail.stop()


WORK = (
    "insert into procrastinate_jobs (queue_name, task_name, lock, args)"
    """ values ('default', %(name)s::text, %(name)s::text, '{"timestamp": 0}') returning id"""
)
UNDONE = "select from procrastinate_jobs where id = %s and status in ('todo', 'doing')"
OPERATOR = {"OWNER_DATABASE_URL": "portal_owner", "BACKUP_DATABASE_URL": "portal_backup"}
LISTEN = ["--host", "127.0.0.1", "--http", "1", "--no-ws", "--log-level", "warning", "--port"]


def is_done(postgres: psycopg.Connection, job_id: int) -> bool:
    """Whether a job has come to its end, well or not."""
    return postgres.execute(UNDONE, [job_id]).fetchone() is None


def answers(url: str) -> bool:
    """Whether somebody is there and well."""
    try:
        return bool(urllib.request.urlopen(url, timeout=5).status == 200)
    except OSError:
        return False


class Front:
    """A proxy that ends TLS and says in `Forwarded` who asks; where nothing stands behind, a page of its own."""

    def __init__(self, port: int, certificate: Path, behind: dict[str, int]) -> None:
        self._behind = behind
        self.asked: list[str] = []
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        self._loop = asyncio.new_event_loop()
        ready = threading.Event()

        async def serve() -> None:
            self._server = await asyncio.start_server(self._answer, "127.0.0.1", port, ssl=context)
            ready.set()
            with contextlib.suppress(asyncio.CancelledError):
                await self._server.serve_forever()

        self._thread = threading.Thread(target=lambda: self._loop.run_until_complete(serve()), daemon=True)
        self._thread.start()
        ready.wait(WAIT)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._server.close)

    async def _answer(self, browser: asyncio.StreamReader, back: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            head = await browser.readuntil(b"\r\n\r\n")
            path = head.split(b" ", 2)[1].decode()
            port = next((port for prefix, port in self._behind.items() if path.startswith(prefix)), None)
            if port is None:
                self.asked.append(path)
                page = f"<!doctype html><title>A room</title><h1>A room</h1><p>{path}</p>".encode()
                back.write(
                    b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n%b"
                    % (len(page), page)
                )
                await back.drain()
            else:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                first, *lines = head[:-4].split(b"\r\n")
                passed = [line for line in lines if not line.lower().startswith((b"connection:", b"forwarded:"))]
                host = f'Forwarded: for=127.0.0.1;proto=https;host="{HOST}:{list_port(lines)}"'.encode()
                writer.write(b"\r\n".join([first, *passed, host, b"Connection: close", b"", b""]))
                await asyncio.gather(pass_on(browser, writer), pass_on(reader, back, close=True))
        back.close()


def list_port(lines: list[bytes]) -> str:
    """The port of the Host header."""
    (host,) = (line.split(b":", 1)[1].strip().decode() for line in lines if line.lower().startswith(b"host:"))
    return host.rpartition(":")[2]


async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, close: bool = False) -> None:
    """Whatever comes, until it ends."""
    with contextlib.suppress(OSError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    if close:
        writer.close()


def certificate(folder: Path, *hosts: str) -> Path:
    """A key and a certificate for these hosts that nobody vouches for, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, hosts[0])])
    now = datetime.datetime.now(datetime.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=7))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host) for host in hosts]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    kept = folder / "certificate.pem"
    kept.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(pem)
    )
    return kept


@contextlib.contextmanager
def real_club(database: Database, folder: Path, **settings: str) -> Iterator[RealClub]:
    """A club for this database, which has its roles; its doors are still to be opened."""
    club = RealClub(database, folder, **settings)
    try:
        yield club
    finally:
        club.close()
