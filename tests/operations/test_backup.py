"""A backup a day: what is in it, who may read it, which are kept, and what is said when it cannot be made."""

import subprocess
from datetime import UTC, datetime, timedelta

import pytest

from portal.operations import backup, tools
from portal.operations.backup import kept
from portal.operations.revision import HEAD
from portal.operations.tools import program
from portal.problems import Problem
from portal.setting_values import driver_url
from tests.support.web import settings_for

TONIGHT = datetime(2026, 11, 25, 3, 41, tzinfo=UTC)


def test_a_backup_is_a_dump_with_its_size_and_its_checksum_noted(made, file, superuser):
    noted = superuser.execute("select file, bytes, sha256, revision, row_counts->>'users' from backups").fetchone()
    assert noted == (file.name, file.stat().st_size, backup.sha256(file), HEAD, "5")
    assert file.read_bytes().startswith(b"PGDMP")
    assert subprocess.run(["sha256sum", "--check", file.with_suffix(".sha256").name], cwd=file.parent).returncode == 0


def test_only_its_owner_reads_it(file):
    assert file.stat().st_mode & 0o777 == 0o600 and file.parent.stat().st_mode & 0o777 == 0o700


def test_the_roles_a_new_server_needs_are_beside_it_without_a_password(file):
    said = file.with_suffix(".roles.sql").read_text()
    assert "'portal_owner'" in said and "bypassrls" in said and "password" not in said


def test_row_counts_are_of_the_moment_that_was_dumped(at_work, settings, people, superuser, monkeypatch):
    """Somebody who signs up between the count and the dump is in neither."""
    run = tools.run

    def signs_up_meanwhile(*arguments):
        superuser.execute("insert into users (email) values ('late@club.example')")
        return run(*arguments)

    monkeypatch.setattr(backup, "run", signs_up_meanwhile)
    made = backup.back_up(at_work, settings)
    listed = tools.run(
        "pg_restore",
        superuser.info.server_version // 10_000,
        None,
        "--data-only",
        "--table=users",
        "--file=-",
        str(settings.backups / made.file),
    )
    assert made.row_counts["users"] == 5 and "late@club.example" not in listed and "bob@club.example" in listed


def test_no_password_is_on_a_command_line(monkeypatch):
    seen = {}

    def run(command, env, **_options):
        seen.update(command=" ".join(map(str, command)), password=env.get("PGPASSWORD"))
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(tools, "program", lambda name, _major: name)
    monkeypatch.setattr(tools.subprocess, "run", run)
    tools.run("pg_dump", 18, "postgresql://portal_backup:geheim@db.example:5433/club?sslmode=verify-full")
    assert seen["password"] == "geheim" and "geheim" not in seen["command"]
    assert "sslmode=verify-full" in seen["command"] and "host=db.example" in seen["command"]


# --- what goes wrong ---------------------------------------------------------------------------------------------------


def test_without_a_folder_it_says_so(at_work, database):
    with pytest.raises(Problem, match="BACKUPS names no folder"):
        backup.back_up(at_work, settings_for(database))


def test_a_program_of_another_version_is_not_taken():
    with pytest.raises(Problem, match=r"pg_dump of PostgreSQL 99 is needed.*postgresql-client-99"):
        program("pg_dump", 99)


@pytest.mark.parametrize("major", [16, 18])
def test_the_embedded_servers_own_programs_are_found(major):
    assert "pginstall" in str(program("pg_dump", major))


def test_a_role_that_is_bound_by_the_policies_cannot_make_one_and_leaves_nothing(at_work, settings, database, people):
    bound = settings_for(database, backups=settings.backups, backup_url=driver_url(database.url("portal_worker")))
    with pytest.raises(Problem, match="portal_worker is bound by row security"):
        backup.back_up(at_work, bound)
    assert list(settings.backups.iterdir()) == []


def test_a_dump_that_fails_half_way_leaves_nothing(at_work, settings, people, monkeypatch):
    def full(*_):
        raise Problem("pg_dump did not go through: No space left on device")

    monkeypatch.setattr(backup, "run", full)
    with pytest.raises(Problem, match="No space left"):
        backup.back_up(at_work, settings)
    assert list(settings.backups.iterdir()) == []


# --- which are kept ----------------------------------------------------------------------------------------------------


def test_two_weeks_of_days_eight_weeks_and_a_year_of_months_are_kept():
    every_night = {TONIGHT - timedelta(days=n) for n in range(800)}
    keep = sorted(kept(every_night), reverse=True)
    assert keep[:14] == [TONIGHT - timedelta(days=n) for n in range(14)]
    assert len({moment.strftime("%G-%V") for moment in keep}) >= 8
    assert {moment.strftime("%Y-%m") for moment in keep} == {f"2025-{m:02}" for m in (12,)} | {
        f"2026-{m:02}" for m in range(1, 12)
    }
    assert len(keep) < 14 + 8 + 12


def test_of_many_in_a_day_only_the_newest_is_kept_once_the_day_is_over():
    hourly = {TONIGHT - timedelta(hours=n) for n in range(48)}
    assert kept(hourly) == {
        TONIGHT,
        datetime(2026, 11, 24, 23, 41, tzinfo=UTC),
        datetime(2026, 11, 23, 23, 41, tzinfo=UTC),
    }


def test_what_its_time_is_over_for_is_deleted_with_what_lies_beside_it(file, at_work, settings, superuser):
    name = backup.name_of(file.name)
    old = [file.with_name(f"{name}-202001{n:02}-000000.dump") for n in range(1, 31)]
    other = file.with_name("another-20200101-000000.dump")
    for each in (*old, other):
        each.write_text("old")
        each.with_suffix(".sha256").write_text("old")
    superuser.execute("update backups set file = %s, proved = true, proved_at = now()", [old[2].name])
    superuser.execute(
        "insert into backups (file, club_at, bytes, sha256, revision, row_counts) values"
        " (%s, now(), 1, repeat('0', 64), 'v1', '{}')",
        [old[0].name],
    )
    backup.forget(at_work, settings.backups, name)
    at_work.commit()
    assert file.exists() and other.exists(), "another database's is not ours to delete"
    assert old[2].exists(), "the newest that was proved stays"
    assert not old[0].exists() and not old[0].with_suffix(".sha256").exists() and old[-1].exists()
    assert superuser.execute("select file from backups where deleted_at is not null").fetchall() == [(old[0].name,)]
