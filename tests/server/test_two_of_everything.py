"""Two of everything on ten hosts: a cable is pulled, processes are killed, the primary is lost; the club goes on by itself.

Each host is a network namespace. nginx, pgbouncer and the failover are as docs/scaling.md and docs/examples have them. The
tests are rounds of one evening, in their order, under one load.
"""

import contextlib
import re
import shlex
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes

import pytest
from aiosmtpd.controller import Controller

from portal.accounts.passwords import hashed
from portal.config import LOGINS, ROOT
from tests.server.conftest import _folder, password
from tests.server.lab import AS_NOBODY, OUTSIDE, Host, PostgresOn, ReplicaOn, Switch, Town, listens
from tests.server.load import PASSWORD, SITE, Load
from tests.support import cast

HOSTS = ("nginx", "web1", "web2", "live1", "live2", "work1", "work2", "pgbouncer", "db1", "db2")
EXAMPLES = ROOT / "docs" / "examples"
DOCUMENT = (ROOT / "docs" / "scaling.md").read_text()
SOON = 60
"""Seconds within which everything goes on, on two cores that others use too."""
FINE = {0, 200, 303, 502, 503, 504}
"""What a browser may be told on such an evening: yes, not now, or nothing."""


class Post:
    """The mail server."""

    def __init__(self) -> None:
        self.taken: Counter[str] = Counter()
        self.recipients: set[str] = set()

    async def handle_DATA(self, _server, _session, envelope):  # noqa: N802 - aiosmtpd's word
        self.taken[message_from_bytes(envelope.content)["Message-ID"].strip("<>").partition("@")[0]] += 1
        self.recipients |= set(envelope.rcpt_tos)
        return "250 taken"


@dataclass
class Evening:
    town: Town
    load: Load
    post: Post
    primary: PostgresOn
    replica: ReplicaOn

    def all_go_on(self, since: float) -> float:
        """Wait until everybody has had success with something that began after `since`; the seconds that took."""
        took: dict[str, float] = {}

        def all_well() -> bool:
            waiting = self.load.waits_since(since)
            for name in self.load.went_well.keys() - {*waiting, *took}:
                took[name] = round(time.monotonic() - since, 1)
            return not waiting

        self.town.until(all_well, "everybody goes on", SOON)
        print(took)
        return time.monotonic() - since


def as_here(text: str) -> str:
    """The document's names, as they are in the lab."""
    numbers = {name: f"10.213.77.{10 + number}" for number, name in enumerate(HOSTS)}
    return re.sub(r"\b(\w+)\.example\.org\b", lambda found: numbers.get(found[1], found[0]), text)


def examples(heading: str) -> str:
    """The document's examples below a heading."""
    section = DOCUMENT.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))


def type_commands(town: Town, heading: str, postgres: PostgresOn) -> None:
    """Type the commands below a heading, those for PostgreSQL on the host of `postgres`."""
    here = {
        "sudo -u postgres psql -p 6432": f"psql -h {town.folder} -p 6432",
        "sudo -u postgres psql": f"psql -h {postgres.folder} -U postgres",
        "/etc/pgbouncer": str(town.folder),
    }
    for line in re.findall(r"^(?:sudo|sed) .*$", examples(heading), re.MULTILINE):
        command = as_here(line)
        for theirs, ours in here.items():
            command = command.replace(theirs, ours)
        whose = [] if line.startswith("sed") else AS_NOBODY
        done = subprocess.run([*whose, *shlex.split(command)], capture_output=True, text=True, timeout=30)
        assert done.returncode == 0, f"{line}\n{done.stdout}{done.stderr}"


@pytest.fixture(scope="module")
def evening() -> Iterator[Evening]:
    with contextlib.ExitStack() as stack:
        switch = Switch()
        stack.callback(switch.close)
        hosts = {name: Host(name, 10 + number) for number, name in enumerate(HOSTS)}
        first, second, folder = (stack.enter_context(_folder()) for _ in range(3))
        primary = PostgresOn(hosts["db1"], first)
        stack.callback(stop, primary)
        town = Town(primary, folder)
        town.hosts, town.pooler = hosts, f"{hosts['pgbouncer'].address}:6432"
        town.databases = f"{hosts['db1'].address}:5432,{hosts['db2'].address}:5432"
        stack.callback(town.close)
        town.migrate()
        replica = ReplicaOn(hosts["db2"], second, primary)
        stack.callback(stop, replica)
        type_commands(town, "Two of everything", primary)
        start_pgbouncer(town)
        for name in HOSTS[1:7]:
            town.start_host(name)
        start_nginx(town)
        post = Post()
        mail = Controller(post, hostname=OUTSIDE, port=2525)
        mail.start()
        stack.callback(mail.stop)
        load = Load(folder / "fullchain.pem", town.address("portal_worker", pooled=True), lambda: set(post.recipients))
        with primary.superuser(town.name) as superuser:
            cast.assemble(superuser)
            members, guests = cast.crowd(superuser, 4), cast.crowd(superuser, 10, first=100)
            known = "insert into credentials (user_id, password_hash, changed_at) select id, %s, now() from users"
            superuser.execute(known, [hashed(PASSWORD)])
            meetings = [cast.plan_meeting(superuser, f"Evening {n}", max_attendees=None) for n in range(40)]
        for name, port in (("nginx", 443), ("web1", 8000), ("web2", 8000), ("live1", 8001), ("live2", 8001)):
            town.until(lambda name=name, port=port: listens(hosts[name], port), f"{name} listens")
        made = Evening(town, load, post, primary, replica)
        stack.callback(load.stop)
        load.start(members, meetings, guests)
        made.all_go_on(time.monotonic())
        yield made


def stop(server: PostgresOn) -> None:
    with contextlib.suppress(subprocess.CalledProcessError):
        server.kill()


def start_pgbouncer(town: Town) -> None:
    """The example, with the logins' passwords."""
    users = town.folder / "userlist.txt"
    users.write_text("".join(f'"{login}" "{password(login)}"\n' for login in LOGINS.values()))
    conf = as_here((EXAMPLES / "pgbouncer.ini").read_text()).replace("/etc/pgbouncer", str(town.folder))
    (town.folder / "pgbouncer.ini").write_text(conf.replace("/var/run/postgresql", str(town.folder)))
    town.run_on("pgbouncer", ["/usr/sbin/pgbouncer", str(town.folder / "pgbouncer.ini")], as_nobody=True)
    town.until(lambda: listens(town.hosts["pgbouncer"], 6432), "pgbouncer listens")


def start_nginx(town: Town) -> None:
    """The example, with the document's two upstreams and a certificate of our own making."""
    folder = town.folder
    subprocess.run(
        shlex.split(
            "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -keyout privkey.pem -out fullchain.pem"
            f" -subj /CN={SITE} -addext subjectAltName=DNS:{SITE}"
        ),
        cwd=folder,
        check=True,
        capture_output=True,
    )
    example = (EXAMPLES / "nginx.conf").read_text()
    for place in ("/etc/letsencrypt/live/portal.example.org", "/var/log/nginx"):
        example = example.replace(place, str(folder))
    example = re.sub(r"^upstream .*\n", "", example, flags=re.MULTILINE)
    upstreams = as_here(
        "\n".join(re.findall(r"^upstream .*?^}", examples("Two of everything"), re.MULTILINE | re.DOTALL))
    )
    places = "".join(
        f"{kind}_temp_path {folder}/{kind};\n" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{places}{upstreams}\n{example}\n}}\n"
    )
    town.run_on("nginx", ["/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-p", str(folder)])


def test_a_web_host_is_cut_off_and_comes_back(evening):
    web1 = evening.town.hosts["web1"]
    web1.pull_cable()
    took = evening.all_go_on(time.monotonic())
    time.sleep(12)  # longer than a connection to the database is waited for
    web1.plug_in()
    back = time.monotonic()
    evening.town.until(lambda: evening.town.is_ready("web1"), "web1 serves again", SOON)
    print(f"\nweb host cut off: {took:.1f} s; back after {time.monotonic() - back:.1f} s")
    evening.all_go_on(time.monotonic())
    assert evening.town.ended_by_themselves() == {}


def test_a_worker_is_killed(evening):
    evening.town.kill("work1")
    took = evening.all_go_on(time.monotonic())
    print(f"\nworker killed: {took:.1f} s")
    evening.town.start_again("work1")
    assert evening.town.ended_by_themselves() == {}


def test_the_streams_of_a_killed_live_host_go_to_the_other(evening):
    evening.town.kill("live1")
    took = evening.all_go_on(time.monotonic())
    print(f"\nlive host killed: {took:.1f} s")
    assert evening.load.streams_ended > 0
    evening.town.start_again("live1")
    assert evening.town.ended_by_themselves() == {}


def test_the_primary_is_lost_and_the_replica_promoted(evening):
    """Its cable is pulled: nobody is told, and what it still believes reaches nobody."""
    town = evening.town
    town.hosts["db1"].pull_cable()
    time.sleep(3)
    type_commands(town, "When the primary is gone", evening.replica)
    took = evening.all_go_on(time.monotonic())
    print(f"\nreplica promoted: {took:.1f} s")
    assert town.ended_by_themselves() == {}


def test_nothing_acknowledged_is_lost_and_nothing_is_doubled(evening):
    load, town = evening.load, evening.town
    load.stop()
    evening.primary.kill()  # it would come back as a standby of the other, never beside it
    with evening.replica.superuser(town.name) as superuser:
        undone = "select count(*) from procrastinate_jobs where status in ('todo', 'doing') and scheduled_at is null"
        town.until(lambda: superuser.execute(undone).fetchone() == (0,), "all jobs are done")
        waiting = "select count(*) from mails where state = 'queued'"
        town.until(lambda: superuser.execute(waiting).fetchone() == (0,), "all mails are sent")
        rows = superuser.execute("select user_id, meeting_id, answer from meeting_attendances").fetchall()
        stored = {(user, meeting): answer for user, meeting, answer in rows}
        again = dict(superuser.execute("select id::text, attempts from mails where attempts > 1").fetchall())
        failed = superuser.execute("select task_name from procrastinate_jobs where status = 'failed'").fetchall()
    print(f"\n{load.statuses}\n{len(load.queued)} mails, {again} tried again; {load.streams_ended} streams ended")
    assert len(stored) == len(rows)
    wrong = {key: may for key, may in load.possible.items() if stored.get(key, "invited") not in may}
    assert wrong == {} and sum(len(may) == 1 for may in load.possible.values()) > 50
    assert {status for _, status in load.statuses} <= FINE
    assert load.queued - evening.post.recipients == set()
    doubled = {mail for mail, times in evening.post.taken.items() if times > 1}
    assert doubled <= again.keys(), "only a mail whose delivery was cut short, with the same Message-ID"
    assert failed == []
    check = town.portal("check", WORKER_DATABASE_URL=town.address("portal_worker"))
    assert check.returncode == 0, check.stdout + check.stderr
    assert town.ended_by_themselves() == {}
