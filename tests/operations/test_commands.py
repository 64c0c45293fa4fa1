"""The console command: each does its one thing, and says what is wrong in one sentence."""

import os
import signal
import subprocess
import sys
import time

import pytest

from portal import cli
from portal.config import ROOT, plain_url
from tests.support.web import SECRET, settings_for

DEAD = "postgresql://portal_web@127.0.0.1:1/nowhere"


@pytest.fixture
def environment(database, monkeypatch):
    """The settings of an operator, in the environment."""
    settings = settings_for(database)
    given = {
        "DATABASE_URL": plain_url(settings.database_url), "OWNER_DATABASE_URL": plain_url(settings.owner_url),
        "WORKER_DATABASE_URL": plain_url(settings.worker_url), "SECRET_KEY": SECRET, "SANDBOX": "1",
        "ASSETS": str(settings.assets), "MAIL_URL": "sandbox:",
    }  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(name, value)
    return given


@pytest.fixture
def portal(environment, monkeypatch, capsys):
    """`portal("check")`: its exit status, what it said and what it complained of."""

    def call(*words):
        monkeypatch.setattr(sys, "argv", ["portal", *words])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


def test_check_counts_each_promise(portal, people, supper):
    status, said, _ = portal("check", "--at-rest")
    assert status == 0 and len(said.splitlines()) > 15
    assert all(line.startswith("ok  ") for line in said.splitlines())


def test_check_fails_when_a_promise_is_broken(portal, people, supper):
    status, said, _ = portal("check")
    assert status == 1 and "   1  The worker was heard within the last minute." in said


def test_the_first_admin_is_made_by_the_operator(portal, people, eve, superuser):
    status, said, _ = portal("make-admin", "Eve@Club.Example")
    assert (status, said) == (0, "Eve@Club.Example is an admin.\n")
    assert superuser.execute("select is_admin from users where id = %s", [eve.id]).fetchone() == (True,)
    logged = superuser.execute("select operation, subject_id from system_logs").fetchall()
    assert logged == [("account.made-admin", eve.id)]


def test_only_a_confirmed_account_is_made_admin(portal, people, superuser):
    superuser.execute("insert into users (email) values ('new@club.example')")
    for address in ("new@club.example", "nobody@club.example"):
        status, said, complaint = portal("make-admin", address)
        assert (status, said) == (
            1,
            "",
        ) and complaint == f"portal: No confirmed account has the address {address}; sign up first.\n"


@pytest.fixture
def factor(superuser, alice):
    """Alice has a second factor, and a sign-in that gave it."""
    superuser.execute("insert into second_factors (user_id, secret, set_up_at) values (%s, 'sealed', now())", [alice.id])
    superuser.execute("insert into sign_ins (user_id, key_hash, device, created_at, seen_at, proved_at)"
                      " values (%s, 'k', 'Firefox', now(), now(), now())", [alice.id])  # fmt: skip


def test_a_lost_second_factor_is_taken_away_by_the_operator(portal, factor, alice, superuser):
    status, said, _ = portal("reset-second-factor", "Alice@Club.Example")
    assert status == 0 and "with the password alone" in said
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
    status, said, _ = portal("roles", "the club")
    assert status == 0 and 'alter database "the club" owner to portal_owner;' in said and "portal_web" in said


def test_migrate_is_safe_to_repeat(portal):
    assert portal("migrate")[0] == 0


def test_assets_are_built(portal, monkeypatch, tmp_path):
    monkeypatch.setenv("ASSETS", str(tmp_path / "assets"))
    assert portal("assets")[0] == 0
    assert (tmp_path / "assets" / "manifest.json").exists()


def test_a_real_server_is_not_planted(portal, monkeypatch, superuser):
    monkeypatch.setenv("SANDBOX", "0")
    monkeypatch.setenv("MAIL_URL", "smtp://localhost")
    monkeypatch.setenv("STRIPE_SECRET_KEY", "sk_live")
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec")
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


def test_check_by_way_of_flask_asks_as_the_worker(app, environment, people):
    answer = app.test_cli_runner().invoke(args=["portal", "check", "--at-rest"])
    assert answer.exit_code == 0, answer.output


def test_the_worker_works_until_it_is_told_to_stop(environment, superuser):
    mail = "insert into mails (kind, recipient, subject, text, html, created_at) values" \
           " ('hello', 'a@club.example', 'Hello', 'Hello', 'Hello', now()) returning id::text"  # fmt: skip
    (mail_id,) = superuser.execute(mail).fetchone()
    superuser.execute("insert into procrastinate_jobs (task_name, queue_name, args) values"
                      " ('mail.deliver', 'default', jsonb_build_object('mail_id', %s::text))", [mail_id])  # fmt: skip
    worker = subprocess.Popen(
        [sys.executable, "-m", "portal", "work"],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
    )
    try:
        until = time.monotonic() + 20
        while time.monotonic() < until and superuser.execute("select state from mails").fetchone() != ("sent",):
            time.sleep(0.1)
        assert superuser.execute("select state from mails").fetchone() == ("sent",)
        worker.send_signal(signal.SIGTERM)
        _, complaint = worker.communicate(timeout=12)
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
    status, said, _ = portal("backup")
    assert status == 0 and said.startswith("Backed up to portal-") and said.rstrip().endswith(" kB.")
    status, said, _ = portal("prove")
    assert status == 0 and "every promise is kept" in said
    assert superuser.execute("select name, well from runs order by began_at").fetchall() == [("backup", True), ("proof", True)]


def test_a_proof_that_fails_is_one_sentence_and_noted(portal, backups, people, superuser):
    portal("backup")
    next(backups.glob("*.dump")).write_bytes(b"nothing")
    status, _, complaint = portal("prove")
    assert status == 1 and "checksum differs" in complaint and len(complaint.splitlines()) == 1
    assert superuser.execute("select well from runs where name = 'proof'").fetchone() == (False,)


@pytest.mark.parametrize(("command", "words"), [
    (["backup"], "BACKUPS names no folder"), (["prove"], "There is no backup to prove"),
    (["restore", "/no/such.dump"], "There is no backup /no/such.dump"),
])  # fmt: skip
def test_what_is_missing_is_one_sentence(command, words, portal, database):
    status, _, complaint = portal(*command)
    assert status == 1 and words in complaint and len(complaint.splitlines()) == 1


def test_a_club_that_is_up_to_date_needs_no_upgrade(portal, backups):
    status, said, _ = portal("upgrade")
    assert status == 0 and "already" in said


def test_a_real_server_is_not_reset(portal, monkeypatch, people, superuser):
    real = {"SANDBOX": "0", "MAIL_URL": "smtp://localhost", "STRIPE_SECRET_KEY": "sk_live", "STRIPE_WEBHOOK_SECRET": "whsec",
            "PUBLIC_URL": "https://portal.example", "ADDRESS_KEY": "a" * 32}  # fmt: skip
    for name, value in real.items():
        monkeypatch.setenv(name, value)
    status, _, complaint = portal("reset")
    assert status == 1 and "for the sandbox only" in complaint
    assert superuser.execute("select count(*) from users").fetchone() == (5,)
