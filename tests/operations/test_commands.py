"""The console command: each does its one thing, and says what is wrong in one sentence."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from psycopg import sql

from portal import cli
from portal.config import LOGINS, ROOT
from portal.operations import backup
from portal.setting_values import plain_url
from tests.support import server
from tests.support.web import SECRET, settings_for

DEAD = "postgresql://portal_web@127.0.0.1:1/nowhere"


@pytest.fixture
def environment(database, monkeypatch):
    """The settings of an operator, in the environment."""
    settings = settings_for(database)
    environment = {
        "DATABASE_URL": plain_url(settings.database_url),
        "OWNER_DATABASE_URL": plain_url(settings.owner_url),
        "WORKER_DATABASE_URL": plain_url(settings.worker_url),
        "SECRET_KEY": SECRET,
        "SANDBOX": "1",
        "ASSETS": str(settings.assets),
        "MAIL_URL": "sandbox:",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return environment


@pytest.fixture
def portal(environment, monkeypatch, capsys):
    """`portal("check")`: its exit status, what it said and what it complained of."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["portal", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        captured = capsys.readouterr()
        return ended.value.code or 0, captured.out, captured.err

    return call


def test_check_counts_each_promise(portal, people, supper):
    status, output, _ = portal("check", "--at-rest")
    assert status == 0 and len(output.splitlines()) > 15
    assert all(line.startswith("ok  ") for line in output.splitlines())


def test_check_fails_when_a_promise_is_broken(portal, people, supper):
    status, output, _ = portal("check")
    assert status == 1 and "   1  The worker was heard within the last minute." in output


def test_the_first_admin_is_made_by_the_operator(portal, people, eve, superuser):
    status, output, _ = portal("make-admin", "Eve@Club.Example")
    assert (status, output) == (0, "Eve@Club.Example is an admin.\n")
    assert superuser.execute("select is_admin from users where id = %s", [eve.id]).fetchone() == (True,)
    logged = superuser.execute("select operation, subject_id from system_logs").fetchall()
    assert logged == [("account.made-admin", eve.id)]


def test_only_a_confirmed_account_is_made_admin(portal, people, superuser):
    superuser.execute("insert into users (email) values ('new@club.example')")
    for address in ("new@club.example", "nobody@club.example"):
        status, output, complaint = portal("make-admin", address)
        assert (status, output) == (
            1,
            "",
        ) and complaint == f"portal: No confirmed account has the address {address}; sign up first.\n"


def test_a_suspended_account_is_not_made_admin_by_the_way(portal, people, eve, superuser):
    superuser.execute("update users set is_active = false where id = %s", [eve.id])
    status, _said, complaint = portal("make-admin", "eve@club.example")
    assert status == 1 and "The account of eve@club.example is suspended" in complaint
    assert superuser.execute("select is_active, is_admin from users where id = %s", [eve.id]).fetchone() == (
        False,
        False,
    )


@pytest.fixture
def factor(superuser, alice):
    """Alice has a second factor, and a sign-in that gave it."""
    superuser.execute(
        "insert into second_factors (user_id, secret, set_up_at) values (%s, 'sealed', now())", [alice.id]
    )
    superuser.execute(
        "insert into sign_ins (user_id, key_hash, device, created_at, seen_at, proved_at)"
        " values (%s, 'k', 'Firefox', now(), now(), now())",
        [alice.id],
    )


def test_a_lost_second_factor_is_taken_away_by_the_operator(portal, factor, alice, superuser):
    status, output, _ = portal("reset-second-factor", "Alice@Club.Example")
    assert status == 0 and "with the password alone" in output
    assert superuser.execute("select count(*) from second_factors").fetchone() == (0,)
    assert superuser.execute("select ended_at is not null, proved_at from sign_ins").fetchone() == (True, None)
    logged = superuser.execute("select operation, subject_id from system_logs").fetchall()
    assert logged == [("second-factor.reset", alice.id)]
    assert superuser.execute("select recipient, subject from mails").fetchall() == [
        ("alice@club.example", "Your second factor was taken away")
    ]


def test_nothing_is_taken_from_who_has_none(portal, people, superuser):
    for address in ("bob@club.example", "nobody@club.example"):
        status, _, complaint = portal("reset-second-factor", address)
        assert status == 1 and complaint == f"portal: No account with a second factor has the address {address}.\n"
    assert superuser.execute("select count(*) from system_logs").fetchone() == (0,)


def test_roles_are_printed_for_a_superuser(portal):
    status, output, _ = portal("roles", "the club")
    assert status == 0 and 'alter database "the club" owner to portal_owner;' in output and "portal_web" in output


def test_migrate_is_safe_to_repeat(portal):
    assert portal("migrate")[0] == 0


def test_assets_are_built(portal, monkeypatch, tmp_path):
    monkeypatch.setenv("ASSETS", str(tmp_path / "assets"))
    assert portal("assets")[0] == 0
    assert (tmp_path / "assets" / "manifest.json").exists()


def test_a_real_server_is_not_planted(portal, monkeypatch, superuser):
    monkeypatch.setenv("SANDBOX", "0")
    monkeypatch.setenv("MAIL_URL", "smtp://localhost")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live_1")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_1")
    monkeypatch.setenv("PUBLIC_URL", "https://portal.example")
    assert portal("plant")[0] == 0
    assert superuser.execute("select count(*) from users").fetchone() == (0,)


@pytest.mark.parametrize("command", [["check"], ["make-admin", "a@b.example"], ["migrate"]])
def test_no_database_is_one_sentence(command, portal, monkeypatch):
    for name in ("DATABASE_URL", "OWNER_DATABASE_URL", "WORKER_DATABASE_URL"):
        monkeypatch.setenv(name, DEAD)
    status, _, complaint = portal(*command)
    assert status == 1 and len(complaint.splitlines()) == 1
    assert complaint.startswith("portal: The database cannot be reached: ")


def test_a_missing_setting_is_one_sentence(portal, monkeypatch):
    monkeypatch.setenv("SECRET_KEY", "short")
    status, _, complaint = portal("check")
    assert (
        status == 1
        and complaint.startswith("portal: SECRET_KEY needs at least 32 characters")
        and complaint.count("\n") == 1
    )


def test_a_port_that_is_taken_is_one_sentence(portal, monkeypatch, tmp_path):
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        monkeypatch.setenv("PORT", str(taken.getsockname()[1]))
        status, _, complaint = portal("run", "--var", str(tmp_path))
    assert status == 1 and "is taken or not allowed" in complaint and not list(tmp_path.iterdir())


def test_the_commands_are_flasks_too(app):
    answer = app.test_cli_runner().invoke(args=["portal", "roles", "club"])
    assert answer.exit_code == 0 and "portal_owner" in answer.output


@pytest.fixture
def a_demo(database):
    """The database bears the demo's mark."""
    with database.as_demo():
        yield


def test_check_by_way_of_flask_asks_as_the_worker(app, environment, people):
    answer = app.test_cli_runner().invoke(args=["portal", "check", "--at-rest"])
    assert answer.exit_code == 0, answer.output


def test_the_worker_works_until_it_is_told_to_stop(environment, a_demo, superuser):
    mail = (
        "insert into mails (kind, recipient, subject, text, html, created_at) values"
        " ('hello', 'a@club.example', 'Hello', 'Hello', 'Hello', now()) returning id::text"
    )
    (mail_id,) = superuser.execute(mail).fetchone()
    superuser.execute(
        "insert into procrastinate_jobs (task_name, queue_name, args) values"
        " ('mail.deliver', 'default', jsonb_build_object('mail_id', %s::text))",
        [mail_id],
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "portal", "work"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    try:
        until = time.monotonic() + 180
        while time.monotonic() < until and superuser.execute("select state from mails").fetchone() != ("sent",):
            time.sleep(0.1)
        assert superuser.execute("select state from mails").fetchone() == ("sent",)
        worker.send_signal(signal.SIGTERM)
        _, complaint = worker.communicate(timeout=30)
    finally:
        worker.kill()
    assert worker.returncode == 0 and b"Traceback" not in complaint


# --- backups and upgrades ----------------------------------------------------------------------------------------------


@pytest.fixture
def backups(monkeypatch, environment, database, tmp_path):
    """A folder for them."""
    monkeypatch.setenv("BACKUPS", str(tmp_path / "backups"))
    monkeypatch.setenv("BACKUP_DATABASE_URL", database.url("portal_backup"))
    return tmp_path / "backups"


def test_a_backup_is_made_and_proved_by_hand(portal, backups, people, superuser):
    status, output, _ = portal("backup")
    assert status == 0 and output.startswith("Backed up to portal-") and output.rstrip().endswith(" kB.")
    status, output, _ = portal("prove")
    assert status == 0 and "every promise is kept" in output
    assert superuser.execute("select name, well from runs order by began_at").fetchall() == [
        ("backup", True),
        ("proof", True),
    ]


def test_a_proof_that_fails_is_one_sentence_and_noted(portal, backups, people, superuser):
    portal("backup")
    next(backups.glob("*.dump")).write_bytes(b"nothing")
    status, _, complaint = portal("prove")
    assert status == 1 and "checksum differs" in complaint and len(complaint.splitlines()) == 1
    assert superuser.execute("select well from runs where name = 'proof'").fetchone() == (False,)


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["backup"], "BACKUPS names no folder"),
        (["prove"], "There is no backup to prove"),
        (["restore", "/no/such.dump"], "There is no backup /no/such.dump"),
    ],
)
def test_what_is_missing_is_one_sentence(command, words, portal, database):
    status, _, complaint = portal(*command)
    assert status == 1 and words in complaint and len(complaint.splitlines()) == 1


def test_a_club_that_is_up_to_date_needs_no_upgrade(portal, backups):
    status, output, _ = portal("upgrade")
    assert status == 0 and "already" in output


def test_a_real_server_is_not_reset(portal, monkeypatch, people, superuser):
    real = {
        "SANDBOX": "0",
        "MAIL_URL": "smtp://localhost",
        "STRIPE_SECRET_KEY": "sk_live_1",
        "STRIPE_WEBHOOK_SECRET": "whsec_1",
        "PUBLIC_URL": "https://portal.example",
        "ADDRESS_KEY": "a" * 32,
        "ROOM_KEY": "r" * 32,
    }
    for name, value in real.items():
        monkeypatch.setenv(name, value)
    status, _, complaint = portal("reset")
    assert status == 1 and "for the sandbox only" in complaint
    assert superuser.execute("select count(*) from users").fetchone() == (5,)


# --- a sentence, never a traceback -------------------------------------------------------------------------------------


@pytest.fixture
def bare(server_url, monkeypatch, environment):
    """An empty database in place of the club's."""
    with server.empty_database(server_url, "nothing_in_it") as bare:
        for name, login in LOGINS.items():
            monkeypatch.setenv(name, bare.url(login))
        yield bare


@pytest.mark.parametrize(
    "command",
    [
        ["check"],
        ["backup"],
        ["prove"],
        ["upgrade"],
        ["make-admin", "a@b.example"],
        ["reset-second-factor", "a@b.example"],
        ["work"],
    ],
)
def test_no_tables_yet_is_one_sentence(command, portal, bare):
    assert portal(*command) == (1, "", "portal: The database has no tables yet; run `portal migrate`.\n")


def test_every_wrong_setting_is_a_line_of_its_own(portal, monkeypatch):
    monkeypatch.setenv("WELCOME_DAYS", "60")
    monkeypatch.setenv("CURRENCY", "XYZ")
    status, _, complaint = portal("work")
    assert status == 1 and complaint.splitlines() == [
        "portal: WELCOME_DAYS is '60'; it can be 31 at most.",
        "portal: CURRENCY is 'XYZ'; it is not a currency Stripe charges in.",
    ]


def test_a_restore_where_the_roles_have_no_rights_is_one_sentence(portal, backups, bare, made_dump):
    with bare.connect(autocommit=True) as postgres:
        taken = "alter database {0} owner to postgres; grant connect on database {0} to portal_owner"
        postgres.execute(sql.SQL(taken).format(sql.Identifier(bare.name)))
    status, _, complaint = portal("restore", str(made_dump))
    assert status == 1 and len(complaint.splitlines()) == 1
    assert complaint.startswith(
        f"portal: portal_owner may make nothing in the database {bare.name}; run what `portal roles"
    )


@pytest.fixture
def made_dump(database, people, tmp_path):
    """A dump of the cast."""
    settings = settings_for(database, backups=tmp_path / "backups")
    return settings.backups / backup.dump(settings).file


@pytest.mark.parametrize(("name", "command"), [("BACKUPS", "backup"), ("ASSETS", "assets")])
def test_a_folder_that_cannot_be_written_to_is_one_sentence(name, command, portal, backups, monkeypatch, tmp_path):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv(name, str(tmp_path / "file" / "folder"))
    status, _, complaint = portal(command)
    assert (
        status == 1
        and complaint == f"portal: {name} names {tmp_path}/file/folder, which cannot be written to: Not a directory.\n"
    )


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (401, "does not know the key in STRIPE_SECRET_KEY"),
        (403, "does not allow that with the key"),
        (429, "was asked too often"),
        (500, "does not answer as it should"),
        (0, "cannot be reached from this machine"),
    ],
)
def test_what_is_wrong_at_stripe_is_told_apart(answer, words, portal, monkeypatch):
    """A wrong key once read: it does not answer just now."""
    with answering(answer) as url:
        monkeypatch.setenv("STRIPE_URL", url)
        status, _, complaint = portal("plans", "sync")
    assert status == 1 and words in complaint and len(complaint.splitlines()) == 1


@contextlib.contextmanager
def answering(status):
    """Something at whose address every request is answered so; with 0, nothing."""

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self):
            body = json.dumps({"error": {"message": "No.", "type": "invalid_request_error"}}).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            """Says nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as there:
        url = f"http://127.0.0.1:{there.server_port}"
        if not status:
            there.socket.close()
            yield url
            return
        thread = threading.Thread(target=there.serve_forever)
        thread.start()
        try:
            yield url
        finally:
            there.shutdown()
            thread.join()


def test_the_settings_are_printed_as_their_page(portal):
    status, output, _ = portal("settings")
    assert status == 0 and output == (ROOT / "docs" / "settings.md").read_text()


def test_a_worker_needs_no_login_but_its_own(portal, environment, monkeypatch, database):
    """It gets as far as its own login: here that of another, so that it stops there."""
    for name in LOGINS:
        monkeypatch.delenv(name, raising=False)
    real = {
        "SANDBOX": "0",
        "MAIL_URL": "smtp://localhost",
        "STRIPE_SECRET_KEY": "sk_live_1",
        "PUBLIC_URL": "https://portal.example",
        "WORKER_DATABASE_URL": database.url("portal_web"),
        "ADDRESS_KEY": "a" * 32,
        "ROOM_KEY": "r" * 32,
    }
    for name, value in real.items():
        monkeypatch.setenv(name, value)
    status, _, complaint = portal("work")
    assert (status, complaint.splitlines()[-1]) == (
        1,
        "portal: WORKER_DATABASE_URL signs in as portal_web; it must be portal_worker.",
    )


def test_a_file_of_people_is_told_first_and_then_taken(portal, environment, tmp_path, superuser):
    file = tmp_path / "members.csv"
    file.write_text("id,email,name,tiers,stripe_customer_id\n1,ana@ghost.example,Ana,,\n2,nobody,Nobody,,\n")
    words = ("import", str(file), "--as", "ghost", "--report", str(tmp_path / "report.csv"))
    status, told, _ = portal(*words, "--dry-run")
    assert (status, told.splitlines()[-1]) == (0, "Nothing was changed: this was a dry run.")
    assert superuser.execute("select count(*) from users").fetchone() == (0,)
    status, told, _ = portal(*words, "--invite")
    assert "person: 1 taken, 0 here already" in told and "person: 1 × That is not an address" in told
    assert told.endswith("1 person was invited to choose a password.\n")
    assert (tmp_path / "report.csv").stat().st_mode & 0o077 == 0


def test_a_price_that_is_no_plan_is_refused(portal, tmp_path):
    status, _, complaint = portal("import", str(tmp_path / "x.csv"), "--as", "ghost", "--price", "Gold=daily")
    assert (status, complaint) == (1, "portal: --price Gold=daily is not like Gold=individual/monthly.\n")


def test_everything_the_club_has_is_written_for_its_owner_alone(portal, people, tmp_path):
    status, told, _ = portal("export", str(tmp_path / "club.zip"))
    assert status == 0 and "users: 5 rows" in told
    assert (tmp_path / "club.zip").stat().st_mode & 0o077 == 0
