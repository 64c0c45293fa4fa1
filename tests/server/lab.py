"""Several hosts on one machine: each is a network namespace with a cable to one switch, and a cable can be pulled."""

import contextlib
import os
import pwd
import signal
import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

from portal.config import ROOT
from tests.server.conftest import Club, Postgres, password

NETWORK, SWITCH = "10.213.77", "goalete-lab"
OUTSIDE = f"{NETWORK}.1"
"""This machine itself: browsers, and the mail server."""
TRUSTED_NETWORK = f"host all all {NETWORK}.0/24 scram-sha-256\nhost replication postgres {NETWORK}.0/24 trust\n"


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class Switch:
    """What the hosts' cables lead to. Whatever a killed run left of it goes first."""

    def __init__(self) -> None:
        self.close()
        ip("link", "add", SWITCH, "type", "bridge")
        ip("addr", "add", f"{OUTSIDE}/24", "dev", SWITCH)
        for guest in range(100, 110):  # where browsers sit, each in a network of its own to the portal's limits
            ip("addr", "add", f"{NETWORK}.{guest}/24", "dev", SWITCH)
        ip("link", "set", SWITCH, "up")

    def close(self) -> None:
        for cable in Path("/sys/class/net").glob("lab-*"):  # what was cut off lingers with its connections
            ip("link", "delete", cable.name)
        for line in subprocess.run(["ip", "netns", "list"], capture_output=True, text=True).stdout.splitlines():
            if line.startswith("goalete-"):
                ip("netns", "delete", line.split()[0])
        with contextlib.suppress(subprocess.CalledProcessError):
            ip("link", "delete", SWITCH)


class Host:
    """One host by its name and the last part of its address."""

    def __init__(self, name: str, number: int) -> None:
        self.name, self.address, self._cable = name, f"{NETWORK}.{number}", f"lab-{name}"
        inside = f"goalete-{name}"
        ip("netns", "add", inside)
        ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", inside)
        ip("link", "set", self._cable, "master", SWITCH, "up")
        ip("-n", inside, "addr", "add", f"{self.address}/24", "dev", "eth0")
        ip("-n", inside, "link", "set", "eth0", "up")
        ip("-n", inside, "link", "set", "lo", "up")
        self.here = ["nsenter", f"--net=/run/netns/{inside}"]

    def pull_cable(self) -> None:
        """Nothing reaches it or leaves it, and nobody is told."""
        ip("link", "set", self._cable, "down")

    def plug_in(self) -> None:
        ip("link", "set", self._cable, "up")


class PostgresOn(Postgres):
    """A PostgreSQL on a host, on the usual port."""

    def __init__(self, host: Host, folder: Path) -> None:
        self.host, self.folder, self.data, self.port = host, folder, folder / "data", 5432
        self.make()
        with open(self.data / "postgresql.conf", "a") as conf:
            conf.write(f"unix_socket_directories = '{folder}'\nlisten_addresses = '*'\nfsync = off\n")
        self.start()

    def make(self) -> None:
        self.run("initdb", "-D", str(self.data), "-U", "postgres", "--auth-local=trust", "-E", "UTF8")
        with open(self.data / "pg_hba.conf", "a") as hba:
            hba.write(TRUSTED_NETWORK)

    def run(self, program: str, *arguments: str) -> None:
        command = [*self.host.here, *AS_NOBODY, f"/usr/lib/postgresql/15/bin/{program}", *arguments]
        subprocess.run(command, check=True, capture_output=True, cwd=self.folder)

    def kill(self) -> None:
        """As a machine that loses power."""
        self.run("pg_ctl", "-D", str(self.data), "-m", "immediate", "stop")


class ReplicaOn(PostgresOn):
    """A standby of `primary`, over the network."""

    def __init__(self, host: Host, folder: Path, primary: PostgresOn) -> None:
        self.primary = primary
        super().__init__(host, folder)

    def make(self) -> None:
        source = f"host={self.primary.host.address} user=postgres application_name={self.host.name}"
        self.run("pg_basebackup", "-d", source, "-D", str(self.data), "-R", "-X", "stream", "-c", "fast")


nobody = pwd.getpwnam("nobody")
AS_NOBODY = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]


class Town(Club):
    """A club whose processes run on hosts of their own."""

    hosts: dict[str, Host]
    databases: str
    """Both servers, for whoever does not go through pgbouncer."""
    pooler: str

    def address(self, login: str, *, pooled: bool = False) -> str:
        return f"postgresql://{login}:{password(login)}@{self.pooler if pooled else self.databases}/{self.name}"

    def run_on(self, host: str, command: list[str], *, as_nobody: bool = False, **settings: str) -> None:
        """Have a process run on a host, until the end or until it is killed."""
        with open(self.log(host), "ab") as log:
            self.running[host] = subprocess.Popen(
                [*self.hosts[host].here, *(AS_NOBODY if as_nobody else []), *command],
                env=self.environment(**settings),
                cwd=ROOT,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def start_host(self, name: str) -> None:
        """What systemd starts on a host of that name."""
        pooled = {"PGBOUNCER": "1", "MAIL_URL": f"smtp://{OUTSIDE}:2525"}
        web = pooled | {"DATABASE_URL": self.address("portal_web", pooled=True), "TRUSTED_PROXIES": "1"}
        granian = [sys.executable, "-m", "granian", "--host", self.hosts[name].address, "--http", "1", "--no-ws"]
        if name.startswith("web"):
            options = ["--port", "8000", "--interface", "wsgi", "--blocking-threads", "2", "wsgi:application"]
            self.run_on(name, [*granian, *options], **web)
        elif name.startswith("live"):
            options = ["--port", "8001", "--interface", "asgi", "--factory", "portal.asgi:streams"]
            self.run_on(name, [*granian, *options], **web, LIVE_DATABASE_URL=self.address("portal_web"))
        else:
            direct = self.address("portal_worker")
            worker = {"WORKER_DATABASE_URL": self.address("portal_worker", pooled=True), "QUEUE_DATABASE_URL": direct}
            self.run_on(name, [sys.executable, "-m", "portal", "work"], **pooled, **worker)

    def start_again(self, name: str) -> None:
        """Like systemd, and wait until it does its work: what finds no database at its start ends, to be started again."""
        began = self.log(name).stat().st_size
        with self.postgres.superuser(self.name) as superuser:
            newest = "select coalesce(max(id), 0) from procrastinate_workers"
            known = superuser.execute(newest).fetchone()
            self.start_host(name)
            if name.startswith("work"):
                self.until(lambda: superuser.execute(newest).fetchone() > known, f"{name} works again")
            else:
                self.until(lambda: b"Started worker" in self.log(name).read_bytes()[began:], f"{name} serves again")

    def kill(self, name: str) -> None:
        """`kill -9` of whatever runs on a host."""
        child = self.running.pop(name)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()

    def is_ready(self, name: str) -> bool:
        """Whether the pages of a host can be served."""
        with contextlib.suppress(OSError):
            return urllib.request.urlopen(f"http://{self.hosts[name].address}:8000/readyz", timeout=5).status == 200
        return False

    def environment(self, **settings: str) -> dict[str, str]:
        """As one club's, on all hosts the same keys."""
        return super().environment(**{"PUBLIC_URL": "https://portal.example.org", **settings})

    def ended_by_themselves(self) -> dict[str, int]:
        return {name: child.returncode for name, child in self.running.items() if child.poll() is not None}


def listens(host: Host, port: int) -> bool:
    """Whether a host can be reached on a port."""
    with contextlib.suppress(OSError), socket.create_connection((host.address, port), 1):
        return True
    return False
