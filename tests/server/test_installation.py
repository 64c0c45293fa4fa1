"""docs/installation.md as it is written: its own commands, from an empty folder to a club behind nginx and TLS.

On PostgreSQL 15 and 18, with a mail server and a mailbox that speak TLS and ask for passwords.
"""

import contextlib
import http.client
import os
import re
import shlex
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword

from portal.accounts.member import key_hash, new_key
from portal.config import ROOT
from portal.live.token import Audience, Ticket, issue
from portal.operations.setup import read
from tests.server import tools
from tests.server.conftest import Postgres, _postgres, reachable
from tests.server.test_wheel import ANSWERS
from tests.support import cast
from tests.support.cast import ALICE
from tests.support.club_server import free_port
from tests.support.dovecot import OverTls, dovecot
from tests.support.inbox import sample
from tests.support.real_club import PostOffice
from tests.support.real_club import certificate as new_certificate

HOST = "portal.example.org"
DOCUMENT = (ROOT / "docs" / "installation.md").read_text()

NOT_RUN = {
    "apt-get install": "this machine has what `make server` needs",
    "adduser": "a test makes no users",
    "sudo": "nor becomes one",
    "systemctl": "the units are started by the test, as they stand",
}
"""How the lines begin that are left out, and why."""


def commands(*sections: int) -> list[str]:
    """The lines of the document's examples in these sections, in their order."""
    lines, section = [], 0
    for line in DOCUMENT.splitlines():
        if heading := re.match(r"## (\d+)\.", line):
            section = int(heading[1])
        elif section in sections and line.startswith("    "):
            lines.append(line.strip())
    return lines


class Machine:
    """A folder that stands for the server; `table` says what is called otherwise there, and nothing else is."""

    def __init__(self, folder: Path, postgres: Postgres, wheel: Path, mail: "Mail") -> None:
        self.folder, self.postgres, self.mail = folder, postgres, mail
        self.pages, self.streams, self.http, self.https = (free_port() for _ in range(4))
        superuser = f"postgresql://postgres@/postgres?host={postgres.folder}&port={postgres.port}"
        database = f"127.0.0.1:{postgres.port}/as_written"
        self.table = {
            "/srv/goalete": str(folder / "srv"),
            "/usr/local/bin": str(folder / "bin"),
            "/var/backups/goalete": str(folder / "backups"),
            "/etc/goalete": str(folder / "etc"),
            "/etc/systemd/system": str(folder / "units"),
            "/var/log/nginx": str(folder),
            "/etc/letsencrypt/live/portal.example.org": str(folder / "tls"),
            "goalete_portal-2.0.0-py3-none-any.whl": str(wheel),
            " -o goalete -g goalete": "",
            "portal setup": f"portal setup --folder {folder / 'etc'} --database {database} --superuser {shlex.quote(superuser)}",
            "--port 8000": f"--port {self.pages}",
            "--port 8001": f"--port {self.streams}",
            "127.0.0.1:8000": f"127.0.0.1:{self.pages}",
            "127.0.0.1:8001": f"127.0.0.1:{self.streams}",
            "listen [::]:80;": "",
            "listen [::]:443 ssl;": "",
            "listen 80;": f"listen {self.http};",
            "listen 443 ssl;": f"listen {self.https} ssl;",
        }
        for name in ("srv", "bin", "units", "tls"):
            (folder / name).mkdir()
        self.environment = {
            "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
            **ANSWERS,
            "MAIL_URL": mail.url,
            "BACKUPS": str(folder / "backups"),
        }
        self.running: list[subprocess.Popen[bytes]] = []

    def here(self, text: str) -> str:
        """The document's text, as it is on this machine."""
        for theirs, ours in self.table.items():
            text = text.replace(theirs, ours)
        return text

    def type(self, line: str) -> None:
        """Run a line of the document in a shell."""
        if line.startswith(tuple(NOT_RUN)):
            return
        done = subprocess.run(
            ["bash", "-ec", self.here(line)], env=self.environment, cwd=self.folder, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"
        if "pip install" in line:  # what the wheel brings speaks of the same paths
            for file in self.folder.glob("srv/venv/lib/python3*/site-packages/portal/bundle/examples/*"):
                file.write_text(self.here(file.read_text()))

    def start_unit(self, name: str) -> None:
        """As systemd would, with the files of settings the unit names."""
        unit = (self.folder / "units" / f"{name}.service").read_text()
        files = [Path(each) for each in re.findall(r"^EnvironmentFile=(.*)$", unit, re.MULTILINE)]
        settings = {}
        for file in files:
            lines = [line for line in file.read_text().splitlines() if line and not line.startswith("#")]
            settings |= dict(shlex.split(line)[0].split("=", 1) for line in lines)
        command = shlex.split(re.search(r"^ExecStart=(.*)$", unit, re.MULTILINE)[1])
        self.start(name, command, {"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(self.mail.certificate), **settings})

    def read_the_mailbox(self) -> None:
        """The two settings that docs/inbox.md tells of, in the places the examples have for them."""
        for file, name, value in (
            ("common.env", "INBOX_ADDRESS", self.mail.box.user),
            ("worker.env", "INBOX_URL", self.mail.box.url),
        ):
            path = self.folder / "etc" / file
            text, found = re.subn(rf'^# {name}=".*"$', f'{name}="{value}"', path.read_text(), flags=re.MULTILINE)
            assert found == 1, name
            path.write_text(text)

    def start_nginx(self) -> None:
        """The example, with a certificate of our own making, in the block that Debian's nginx.conf has around it."""
        tls = self.folder / "tls"
        subprocess.run(
            shlex.split(
                "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout privkey.pem -out fullchain.pem"
                f" -subj /CN={HOST} -addext subjectAltName=DNS:{HOST}"
            ),
            cwd=tls,
            check=True,
            capture_output=True,
        )
        example = self.here((ROOT / "docs" / "examples" / "nginx.conf").read_text())
        temporary = "".join(
            f"{kind}_temp_path {self.folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        conf = self.folder / "nginx.conf"
        conf.write_text(
            f"daemon off; pid {self.folder}/nginx.pid; error_log stderr;\n"
            f"events {{}}\nhttp {{\naccess_log off;\n{temporary}{example}\n}}\n"
        )
        self.start("nginx", ["nginx", "-c", str(conf), "-p", str(self.folder)], {"PATH": "/usr/sbin:/usr/bin"})

    def start(self, name: str, command: list[str], environment: dict[str, str]) -> None:
        with open(self.folder / f"{name}.log", "ab") as log:
            self.running.append(
                subprocess.Popen(command, env=environment, cwd=self.folder / "srv", stdout=log, stderr=log)
            )

    def logs(self) -> str:
        return "\n".join(f"{log.name}: {log.read_text()[-1500:]}" for log in self.folder.glob("*.log"))

    def ask(self, method: str, path: str, body: str = "{}", **headers: str) -> http.client.HTTPResponse:
        """Through nginx, from an address of the machine that is not the proxy's."""
        trusted = ssl.create_default_context(cafile=str(self.folder / "tls" / "fullchain.pem"))
        line = http.client.HTTPSConnection(HOST, self.https, timeout=20)
        plain = socket.create_connection(("127.0.0.1", self.https), 20, source_address=("127.0.0.2", 0))
        line.sock = trusted.wrap_socket(plain, server_hostname=HOST)
        line.request(method, path, body if method == "POST" else None, headers={"Host": HOST, **headers})
        return line.getresponse()

    def close(self) -> None:
        for child in self.running:
            child.terminate()
        for child in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(20)
            child.kill()


@dataclass(frozen=True)
class Mail:
    """A mail server and a mailbox, as a provider has them: TLS from the first byte, and passwords."""

    certificate: Path
    office: PostOffice
    box: OverTls
    url: str


@pytest.fixture
def mail(tmp_path) -> Iterator[Mail]:
    signed = new_certificate(tmp_path, "localhost")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(signed)
    office = PostOffice()
    server = Controller(
        office,
        hostname="127.0.0.1",
        port=free_port(),
        ssl_context=tls,
        authenticator=lambda *tried: AuthResult(success=tried[-1] == LoginPassword(b"club", b"for mail only")),
        auth_required=True,
        auth_require_tls=False,
    )
    server.start()
    with dovecot(signed) as box:
        yield Mail(signed, office, box, f"smtps://club:for%20mail%20only@localhost:{server.port}")
    server.stop()


@pytest.fixture(params=[15, 18])
def server(request) -> Iterator[Postgres]:
    """Debian's PostgreSQL, and the newest one."""
    if request.param == 15:
        yield request.getfixturevalue("postgres")
    else:
        with _postgres(tools.EMBEDDED) as embedded:
            yield embedded


@pytest.fixture
def machine(tmp_path, server, wheel, mail) -> Iterator[Machine]:
    made = Machine(tmp_path, server, wheel, mail)
    try:
        yield made
    finally:
        made.close()
        with server.superuser() as superuser:
            superuser.execute("drop database if exists as_written with (force)")


def test_every_line_of_the_document_is_run_or_has_a_reason():
    run = [line.split()[0] for line in commands(1, 2, 3, 4) if not line.startswith(tuple(NOT_RUN))]
    assert run == ["python3", "/srv/goalete/venv/bin/pip", "ln", "install", "portal", "set", "cp", "cp"]


def test_its_commands_make_a_club_that_serves_through_nginx_and_tls(machine):
    for line in commands(1, 2, 3, 4):
        machine.type(line)
    machine.read_the_mailbox()
    for unit in re.findall(
        r"goalete-(?:worker|web|live)\b(?!\.)", next(each for each in commands(4) if "enable" in each)
    ):
        machine.start_unit(unit)
    machine.start_nginx()
    wait_for(machine, machine.pages, machine.streams, machine.https)

    page = machine.ask("GET", "/plans")
    text = page.read().decode()
    assert page.status == 200 and "Ana's evenings" in text.replace("&#39;", "'"), machine.logs()
    assert "max-age" in page.headers["Strict-Transport-Security"]
    style = re.search(r'<link rel="stylesheet" href="([^"]+)"', text)[1]
    assert machine.ask("GET", style).status == 200

    forged = {"Forwarded": "for=9.9.9.9", "X-Forwarded-For": "9.9.9.9", "Content-Type": "application/json"}
    assert machine.ask("POST", "/webhooks/stripe", **forged).status == 400
    with machine.postgres.superuser("as_written") as superuser:
        logged = "select host(ip_address) from system_logs where operation = 'provider.refused'"
        assert superuser.execute(logged).fetchall() == [("127.0.0.2",)]
        stream = machine.ask("GET", f"/live/meetings?token={ticket(machine, superuser)}")
    assert stream.status == 200 and stream.readline().startswith(b"retry:")
    assert any(stream.readline().startswith(b"data: ") for _ in range(10)), "a meeting is drawn, and nothing held back"

    signs_up(machine, "bea@example.org")
    eventually(machine, lambda: machine.mail.office.to("bea@example.org"), "the mail of the sign-up has arrived")
    (sent,) = machine.mail.office.to("bea@example.org")
    link = re.search(r"https://portal\.example\.org(/verify/\S+)", sent.get_body(("plain",)).get_content())
    assert machine.ask("GET", link[1]).status == 200
    machine.ask("GET", style, Referer=link[0]).read()
    machine.ask("GET", "/plans", Referer=f"https://{HOST}/sign-up").read()
    log = machine.folder / "access.log"
    eventually(machine, lambda: '/sign-up"' in log.read_text(), "what leads nowhere is logged, once it is answered")
    assert "/verify/" not in log.read_text() and "/live/" not in log.read_text()

    mail_id = sent["Message-ID"].strip("<>").partition("@")[0]
    report = {"mail_id": mail_id, "recipient": "bea@example.org", "status": "5.1.1"}
    machine.mail.box.deliver(sample("mail/samples/ours/rfc3464-failed.eml", **report).replace("localhost", HOST))
    with machine.postgres.superuser("as_written") as superuser:
        superuser.execute(READ_INBOX)
        marked = "select address_key, hard from unreachable_addresses"
        eventually(machine, lambda: superuser.execute(marked).fetchall(), "the report was read over IMAP")
        assert superuser.execute(marked).fetchall() == [("bea@example.org", True)]


READ_INBOX = "insert into procrastinate_jobs (task_name, queue_name, lock) values ('mail.read_inbox', 'default', 'mail.read_inbox')"


def signs_up(machine: Machine, address: str) -> None:
    """Somebody types name and address on the page."""
    page = machine.ask("GET", "/sign-up")
    cookie = page.headers["Set-Cookie"].partition(";")[0]
    token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.read().decode())[1]
    fields = {"csrf_token": token, "first_name": "Bea", "email": address, "timezone": "Europe/Lisbon"}
    form = {"Cookie": cookie, "Origin": f"https://{HOST}", "Content-Type": "application/x-www-form-urlencoded"}
    assert machine.ask("POST", "/sign-up", urlencode(fields), **form).status == 303


def ticket(machine: Machine, superuser) -> str:
    """What a page of Alice's that shows a meeting carries."""
    cast.assemble(superuser)
    meeting, key = cast.plan_meeting(superuser, "Evening"), new_key()
    superuser.execute("select auth.open_sign_in(%s, %s, 'Test', null)", [ALICE.id, key_hash(key)])
    (sign_in,) = superuser.execute("select id from sign_ins where key_hash = %s", [key_hash(key)]).fetchone()
    secret = read(machine.folder / "etc")["SECRET_KEY"]
    return issue(secret, Ticket(str(meeting.id), Audience("Europe/Berlin", names_shown=False), str(sign_in), None))


def wait_for(machine: Machine, *ports: int) -> None:
    eventually(machine, lambda: all(map(reachable, ports)), "everything listens")


def eventually(machine: Machine, true: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 120
    while not true():
        assert time.monotonic() < end, f"not within two minutes: {what}\n{machine.logs()}"
        time.sleep(0.2)
