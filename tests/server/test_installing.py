"""`docs/installation.md`, step by step: from an empty server to a backup that came back."""

import psycopg

from portal.config import LOGINS


def test_from_nothing_to_an_admin_a_backup_and_its_restoring(bare):
    club, backups = bare, bare.folder / "backups"
    empty = club.portal("check", WORKER_DATABASE_URL=club.address("portal_worker"))
    assert (empty.returncode, empty.stderr) == (1, "portal: The database has no tables yet; run `portal migrate`.\n")
    club.migrate()
    with club.postgres.superuser(club.name) as superuser:  # who signed up and confirmed by the mail
        superuser.execute(
            "insert into users (email, first_name, email_verified) values ('ana@example.org', 'Ana', true)"
        )
    operator = {name: club.address(login) for name, login in LOGINS.items()} | {"BACKUPS": str(backups)}
    for command, said in (
        (["make-admin", "ana@example.org"], "is an admin"),
        (["check", "--at-rest"], "ok  "),
        (["backup"], "Backed up to goalete-"),
        (["prove"], "every promise is kept"),
        (["upgrade"], "already"),
    ):
        done = club.portal(*command, **operator)
        assert (done.returncode, done.stderr) == (0, ""), command
        assert said in done.stdout
    (dump,) = backups.glob("*.dump")
    again = type(club)(club.postgres, club.folder, "again")
    logins = {name: again.address(login) for name, login in LOGINS.items()}
    restored = again.portal(
        "restore", str(dump), OWNER_DATABASE_URL=logins["OWNER_DATABASE_URL"], DATABASE_URL=logins["DATABASE_URL"]
    )
    assert (restored.returncode, restored.stdout) == (0, f"Restored from {dump.name}.\n"), restored.stderr
    with psycopg.connect(again.address("portal_backup")) as reader:
        assert reader.execute("select email, is_admin from users").fetchall() == [("ana@example.org", True)]
    assert again.portal("check", "--at-rest", WORKER_DATABASE_URL=logins["WORKER_DATABASE_URL"]).returncode == 0
