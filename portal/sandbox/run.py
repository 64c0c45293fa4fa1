"""`portal run`: everything, from nothing to an address to open; Ctrl-C leaves no process behind."""

import contextlib
import errno
import hashlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import FrameType
from urllib.parse import quote, urlsplit, urlunsplit

from portal import clock
from portal.config import LOGINS, ROOT, Settings, kept_secret
from portal.database import embedded, roles
from portal.operations.start import reach, refuse_version
from portal.problems import Problem
from portal.sandbox import zoom as stand_in_zoom
from portal.sandbox.stripe import Stripe
from portal.sandbox.stripe import serve as stand_in
from portal.setting_values import plain_url

PATIENCE = 10  # seconds a child gets to end by itself
DATABASE = "goalete"


class Stop(Exception):  # noqa: N818
    """Somebody asked the run to end."""


def run(var: Path) -> None:
    """Serve the whole club until Ctrl-C. Data lives under `var`."""
    port = _port(os.environ)
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    try:
        with _database(var) as urls, _full_disk_told():
            _serve(_environment(var, port, urls), port)
    except (Stop, KeyboardInterrupt):
        print("\nThe club is closed. Its data is kept in var/.", flush=True)


def _serve(environment: dict[str, str], port: int) -> None:
    def portal(*command: str) -> list[str]:
        return [sys.executable, "-m", "portal", *command]

    for step in ("assets", "migrate", "plant"):
        done = subprocess.run(portal(step), env=environment, cwd=ROOT)
        if done.returncode:
            raise SystemExit(done.returncode)
    outside = {name: portal(name) for name in ("stripe", "zoom", "meet")}
    children = {**outside, "web": web_command(port), "worker": portal("work")}
    with _kept_alive(children, environment) as alive:
        _wait_until_ready(port)
        print(_welcome(port, environment), flush=True)
        alive()


def serve_stripe(settings: Settings) -> None:
    """The sandbox's Stripe as a process of its own, on the port the portal is told to find it at; until told to stop."""
    clock.follow(settings.sandbox_clock)
    hook = (f"{settings.public_url}/webhooks/stripe", settings.stripe_webhook_secret)
    world = Stripe(settings.sandbox_stripe, settings.stripe_url, settings.stripe_key, hook)
    at = urlsplit(settings.stripe_url)
    stand_in.serve(world, at.hostname or "127.0.0.1", at.port or 8001)


def serve_zoom(settings: Settings) -> None:
    """The sandbox's Zoom as a process of its own, on the port the portal is told to find it at; until told to stop."""
    hook = f"{settings.public_url}/webhooks/zoom"
    url = settings.zoom_url or "http://127.0.0.1:8002"
    secret, clock_file = settings.zoom_webhook_secret, settings.sandbox_clock
    stand_in_zoom.serve(settings.sandbox_zoom, url, hook, secret, clock_file, settings.zoom_hosts)


def serve_meet(settings: Settings) -> None:
    """The sandbox's Google as a process of its own, where GOOGLE_URL says; until told to stop. Makes the key file if need be."""
    from portal.sandbox import meet
    from portal.sandbox.people import PEOPLE

    file = settings.sandbox_stripe.with_name(settings.sandbox_stripe.name.replace("stripe", "meet"))
    accounts = [meet.account(email, f"{first} {last or ''}".strip()) for first, last, email, *_ in PEOPLE]
    meet.serve(
        file,
        settings.google_url,
        settings.sandbox_clock,
        settings.google_account or file.with_name("google-key.json"),
        settings.google_organizer,
        accounts,
    )


def web_command(port: int) -> list[str]:
    """How granian serves pages and streams on one port."""
    return [
        sys.executable,
        "-m",
        "granian",
        "--interface",
        "asgi",
        "--factory",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
        "--workers",
        "1",
        "--runtime-threads",
        "2",
        "--http",
        "1",
        "--no-ws",
        "--log-level",
        "warning",
        "--backlog",
        "8192",
        "--backpressure",
        "20000",  # an open stream holds a permit; the default would shut pages out
        "--respawn-failed-workers",
        "--workers-kill-timeout",
        "3s",
        "portal.asgi:everything",
    ]


@contextlib.contextmanager
def _kept_alive(commands: Mapping[str, list[str]], environment: dict[str, str]) -> Iterator[Callable[[], None]]:
    """Start the children, start again whichever ends, and end them all when the block does."""
    running: dict[str, subprocess.Popen[bytes]] = {}

    def start(name: str) -> None:
        # A session of their own: Ctrl-C reaches this process alone, which then ends them in order.
        running[name] = subprocess.Popen(commands[name], env=environment, cwd=ROOT, start_new_session=True)

    def watch() -> None:
        while True:
            time.sleep(0.5)
            for name, child in list(running.items()):
                if child.poll() is not None:
                    print(f"The {name} process ended ({child.returncode}); starting it again.", file=sys.stderr)
                    time.sleep(1)
                    start(name)

    try:
        for name in commands:
            start(name)
        yield watch
    finally:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        for child in running.values():
            child.terminate()
        for child in running.values():
            _end(child)


def _end(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(PATIENCE)
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # and whatever it left in its session
    child.wait()


@contextlib.contextmanager
def _database(var: Path) -> Iterator[dict[str, str]]:
    """The logins' addresses: of the embedded server, or of the one DATABASE_URL names."""
    database_url = os.environ.get("DATABASE_URL")
    if database_url:
        yield _given_database(database_url, var)
        return
    with embedded.serve(var / "postgres") as server:
        embedded.ensure_database(server, DATABASE)
        yield {name: embedded.url(server, DATABASE, login) for name, login in LOGINS.items()}


def _given_database(url: str, var: Path) -> dict[str, str]:
    """A superuser's address is used once, to make the roles; any other must be portal_web's, with the roles there."""
    with reach(plain_url(url)) as connection:
        refuse_version(connection)
        superuser = connection.info.parameter_status("is_superuser") == "on"
        if superuser:
            secret = kept_secret(var / "database_password")
            connection.execute(roles.script(connection.info.dbname, secret).encode())
            return {name: _as(url, login, secret) for name, login in LOGINS.items()}
        if missing := roles.missing(connection):
            raise Problem(
                f"The database lacks the portal's roles ({', '.join(missing)}); "
                "`portal roles DATABASE | psql` as a superuser makes them."
            )
        roles.refuse_bypass(connection)
    return {
        name: os.environ.get(name) or _as(url, login, urlsplit(url).password or "") for name, login in LOGINS.items()
    }


def _as(url: str, login: str, password: str) -> str:
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{login}:{quote(password, safe='')}@{host}"))


def _environment(var: Path, port: int, urls: dict[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    return {
        "SECRET_KEY": kept_secret(var / "secret_key"),
        "ADDRESS_KEY": kept_secret(var / "address_key"),
        "ROOM_KEY": kept_secret(var / "room_key"),
        "SANDBOX": "1",
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "CLUB_DOMAINS": "aydin.club",
        "ASSETS": str(var / "assets"),
        "PYTHONUNBUFFERED": "1",
        "STRIPE_URL": f"http://127.0.0.1:{_free_port(port + 1)}",
        "ZOOM_URL": f"http://127.0.0.1:{_free_port(port + 2)}",
        "ZOOM_ACCOUNT_ID": stand_in_zoom.ACCOUNT,
        "ZOOM_CLIENT_ID": stand_in_zoom.CLIENT,
        "ZOOM_CLIENT_SECRET": stand_in_zoom.SECRET,
        "ZOOM_WEBHOOK_SECRET": kept_secret(var / "zoom_secret"),
        "GOOGLE_URL": f"http://127.0.0.1:{_free_port(port + 3)}",
        "GOOGLE_SERVICE_ACCOUNT": str(var / "google-key.json"),
        "GOOGLE_ORGANIZER": "club@aydin.club",
        "SANDBOX_STRIPE": str(var / f"stripe{_which(urls)}.sqlite3"),
        "SANDBOX_ZOOM": str(var / f"zoom{_which(urls)}.json"),
        "SANDBOX_CLOCK": str(var / f"clock{_which(urls)}"),
        "BACKUPS": str(var / "backups"),
        **kept,
        **urls,
    }


def _which(urls: Mapping[str, str]) -> str:
    """Tells the sandbox's own files of one database from those of another."""
    database_url = os.environ.get("DATABASE_URL")
    return (
        f"-{hashlib.sha256(urlsplit(urls['DATABASE_URL']).path.encode() + database_url.encode()).hexdigest()[:8]}"
        if database_url
        else ""
    )


def _free_port(wanted: int) -> int:
    """`wanted` if nobody has it, else any."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError, OverflowError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return int(probe.getsockname()[1])
    raise Problem("No port is free for what stands in for Stripe, Zoom and Google.")


def _port(environment: Mapping[str, str]) -> int:
    value = environment.get("PORT", "8000")
    if not value.isdecimal() or not 0 < int(value) < 65536:
        raise Problem(f"PORT is {value!r}; it must be a number from 1 to 65535.")
    port = int(value)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as error:
            raise Problem(f"Port {port} is taken or not allowed; choose another with PORT=8001 make run.") from error
    return port


def _wait_until_ready(port: int, patience: float = 60) -> None:
    import urllib.error
    import urllib.request

    until = time.monotonic() + patience
    while time.monotonic() < until:
        with contextlib.suppress(OSError, urllib.error.URLError):
            urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5)
            return
        time.sleep(0.25)
    raise Problem("The portal did not become ready within a minute; its messages above say why.")


def _welcome(port: int, environment: Mapping[str, str]) -> str:
    from portal.sandbox.club import PASSWORD, SIGN_INS

    lines = "".join(f"    {who:<22} {address:<24} {words}\n" for who, address, words in SIGN_INS)
    return (
        f"\n  The club is open: http://127.0.0.1:{port}\n\n"
        f"  Sign in with the password  {PASSWORD}\n{lines}"
        f"    the admin is asked for a code too; it stands at http://127.0.0.1:{port}/sandbox/codes\n"
        f"    a visitor              sign up with any address; the mail is at http://127.0.0.1:{port}/sandbox/mailbox\n\n"
        f"  Pay with the card 4242 4242 4242 4242; the sandbox's Stripe is {environment['STRIPE_URL']}\n"
        f"  Rooms are at the sandbox's Zoom {environment['ZOOM_URL']} and Google {environment['GOOGLE_URL']}\n"
        f"  Let time pass at http://127.0.0.1:{port}/sandbox/clock\n\n"
        "  Ctrl-C closes it; the data stays in var/.\n"
    )


@contextlib.contextmanager
def _full_disk_told() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno == errno.ENOSPC:
            raise Problem("The disk is full; free some room and start again.") from error
        raise


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise Stop
