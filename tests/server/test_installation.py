"""docs/installation.md as it is written: its own commands, from an empty folder to a club behind nginx and TLS."""

import contextlib
import http.client
import os
import re
import shlex
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.accounts.member import key_hash, new_key
from portal.config import ROOT
from portal.live.token import Audience, Ticket, issue
from portal.operations.setup import read
from tests.server.conftest import Postgres, reachable
from tests.server.test_wheel import ANSWERS
from tests.support import cast
from tests.support.cast import ALICE
from tests.support.club_server import free_port

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

    def __init__(self, folder: Path, postgres: Postgres, wheel: Path) -> None:
        self.folder, self.postgres = folder, postgres
        self.pages, self.streams, self.http, self.https = (free_port() for _ in range(4))
        superuser = f"postgresql://postgres@/postgres?host={postgres.folder}&port={postgres.port}"
        database = f"127.0.0.1:{postgres.port}/as_written"
        self.table = {
            "/srv/goalete": str(folder / "srv"),
            "/usr/local/bin": str(folder / "bin"),
            "/var/backups/goalete": str(folder / "backups"),
            "/etc/goalete": str(folder / "etc"),
            "/etc/systemd/system": str(folder / "units"),
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
        self.start(name, command, {"PATH": os.environ["PATH"], **settings})

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

    def ask(self, method: str, path: str, **headers: str) -> http.client.HTTPResponse:
        """Through nginx, from an address of the machine that is not the proxy's."""
        trusted = ssl.create_default_context(cafile=str(self.folder / "tls" / "fullchain.pem"))
        line = http.client.HTTPSConnection(HOST, self.https, timeout=20)
        plain = socket.create_connection(("127.0.0.1", self.https), 20, source_address=("127.0.0.2", 0))
        line.sock = trusted.wrap_socket(plain, server_hostname=HOST)
        line.request(method, path, body="{}" if method == "POST" else None, headers={"Host": HOST, **headers})
        return line.getresponse()

    def close(self) -> None:
        for child in self.running:
            child.terminate()
        for child in self.running:
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(20)
            child.kill()


@pytest.fixture
def machine(tmp_path, postgres, wheel) -> Iterator[Machine]:
    made = Machine(tmp_path, postgres, wheel)
    try:
        yield made
    finally:
        made.close()
        with postgres.superuser() as superuser:
            superuser.execute("drop database if exists as_written with (force)")


def test_every_line_of_the_document_is_run_or_has_a_reason():
    run = [line.split()[0] for line in commands(1, 2, 3, 4) if not line.startswith(tuple(NOT_RUN))]
    assert run == ["python3", "/srv/goalete/venv/bin/pip", "ln", "install", "portal", "set", "cp", "cp"]


def test_its_commands_make_a_club_that_serves_through_nginx_and_tls(machine):
    for line in commands(1, 2, 3, 4):
        machine.type(line)
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


def ticket(machine: Machine, superuser) -> str:
    """What a page of Alice's that shows a meeting carries."""
    cast.assemble(superuser)
    meeting, key = cast.plan_meeting(superuser, "Evening"), new_key()
    superuser.execute("select auth.open_sign_in(%s, %s, 'Test', null)", [ALICE.id, key_hash(key)])
    (sign_in,) = superuser.execute("select id from sign_ins where key_hash = %s", [key_hash(key)]).fetchone()
    secret = read(machine.folder / "etc")["SECRET_KEY"]
    return issue(secret, Ticket(str(meeting.id), Audience("Europe/Berlin", names_shown=False), str(sign_in), None))


def wait_for(machine: Machine, *ports: int) -> None:
    end = time.monotonic() + 120
    while not all(map(reachable, ports)):
        assert time.monotonic() < end, machine.logs()
        time.sleep(0.2)
