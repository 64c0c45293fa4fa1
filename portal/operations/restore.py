"""Bringing a backup back to life: for good, in an empty database, or to prove it, in one that is gone afterwards."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg
from psycopg import sql

from portal.config import Settings
from portal.database import roles
from portal.operations import backup
from portal.operations.offsite import opened
from portal.operations.start import reach
from portal.operations.tools import run
from portal.problems import Problem
from portal.setting_values import plain_url

# The definer and the monitor must be able to own what is theirs before the dump gives them the right to.
PREPARE = """
create schema if not exists auth;
grant usage, create on schema public, auth to portal_definer;
grant usage, create on schema public to portal_monitor;
"""
CLOSE = "select auth.close_account()"
# What opened something is forgotten, as of every mail that is over.
LEAVE_UNSENT = """
update mails
   set state = 'dropped', failure = 'It was waiting when the club was restored from a backup.',
       text = case when secret then null else text end, html = case when secret then null else html end
 where state = 'queued'
"""


def restore(settings: Settings, file: Path, identity: Path | None = None) -> str:
    """Fill the empty database of `settings` from `file`, as portal_owner; a sentence on what came back. Raises `Problem`.

    A file that ends in .age is opened with the private key in `identity`. Whoever closed their account after the dump was
    made is closed again. Mails that were waiting then are not sent: they have been since, or are about what is over.
    """
    if file.suffix == ".age":
        if identity is None:
            raise Problem(f"{file.name} is encrypted; --identity names the file with its private key.")
        with TemporaryDirectory(dir=file.parent, prefix="opened-") as folder:
            plain = opened(file, identity, Path(folder))
            if (noted := backup.closed_beside(file.with_suffix(""))).exists():
                shutil.copy(noted, backup.closed_beside(plain))
            return restore(settings, plain)
    check_whole(file)
    with reach(plain_url(settings.owner_url)) as owner, reach(plain_url(settings.database_url)) as web:
        roles.refuse_other(owner, "portal_owner")
        roles.refuse_other(web, "portal_web")  # who closed their account is closed again as them
    with reach(plain_url(settings.owner_url)) as owner:
        fill(owner, plain_url(settings.owner_url), file)
        unsent = leave_unsent(owner)
    closed, left = close_again(settings, file)
    again = f" {closed} closed accounts were closed again." if closed else ""
    byhand = f" Close these by hand, somebody else depends on them: {', '.join(left)}." if left else ""
    mails = f" Mails that were waiting and are not sent now: {unsent}." if unsent else ""
    return f"Restored from {file.name}.{again}{byhand}{mails}"


def check_whole(file: Path) -> None:
    """Raise `Problem` unless the dump is there and has the checksum that was written beside it."""
    if not file.is_file():
        raise Problem(f"There is no backup {file}.")
    noted = backup.beside(file, "sha256")
    if noted.exists() and noted.read_text().split()[:1] != [backup.sha256(file)]:
        raise Problem(f"{file.name} is not as it was written: its checksum differs.")


def fill(owner: psycopg.Connection, url: str, file: Path) -> None:
    """Restore `file` into the empty database at `url`, whole or not at all. Raises `Problem`."""
    if backup.tables(owner):
        raise Problem(f"The database {owner.info.dbname} is not empty; make a new one, and its roles' rights in it.")
    if missing := roles.missing(owner):
        raise Problem(f"The server lacks the portal's roles: {', '.join(missing)}. `portal roles` prints them.")
    major = owner.info.server_version // 10_000
    with TemporaryDirectory() as folder:
        contents = Path(folder, "contents")
        contents.write_text(ours(run("pg_restore", major, None, "--list", str(file))))
        try:
            owner.execute(PREPARE)
        except psycopg.errors.InsufficientPrivilege as closed:
            raise Problem(
                f"portal_owner may make nothing in the database {owner.info.dbname}; "
                f"run what `portal roles {owner.info.dbname}` prints, in that database, as a superuser."
            ) from closed
        try:
            run(
                "pg_restore", major, url, "--exit-on-error", "--single-transaction", f"--use-list={contents}", str(file)
            )
        except Problem:
            owner.execute("drop schema auth")
            raise
    owner.execute("analyze")


def ours(contents: str) -> str:
    """The dump's contents without the schema that is made before, extensions, and rights in the catalogue: these are the server's."""
    left_out = (" SCHEMA - auth ", " EXTENSION - ", " COMMENT - EXTENSION ", " ACL pg_catalog ")
    return "".join(line for line in contents.splitlines(keepends=True) if not any(kind in line for kind in left_out))


def leave_unsent(owner: psycopg.Connection) -> int:
    """Drop every mail that waits in the outbox, where admins see it; how many."""
    with owner.transaction():
        owner.execute("set local role portal_definer")  # who may change what the policies keep from the tables' owner
        return owner.execute(LEAVE_UNSENT).rowcount


def close_again(settings: Settings, file: Path) -> tuple[int, list[str]]:
    """Close whoever has closed their account since the dump; how many, and whose could not be."""
    noted = backup.closed_beside(file)
    people = noted.read_text().split() if noted.exists() else []
    closed, left = 0, []
    with reach(plain_url(settings.database_url)) as web:
        for person in people:
            try:
                with web.transaction():
                    web.execute(
                        "select set_config('role', 'portal_member', true), set_config('app.user_id', %s, true)",
                        [person],
                    )
                    if web.execute("select 1 from users where id = auth.uid() and is_active").fetchone():
                        web.execute(CLOSE)
                        closed += 1
            except psycopg.errors.CheckViolation:  # a family, or the last admin
                left.append(person)
    return closed, left


@contextmanager
def scratch(settings: Settings, name: str) -> Iterator[Settings]:
    """Settings of an empty database of that name beside the real one, which is gone at the end. Raises `Problem`."""
    with reach(plain_url(settings.owner_url)) as owner:
        database = f"{owner.info.dbname}_{name}"
        try:
            _drop(owner, database)  # left by somebody who was killed
            owner.execute(sql.SQL("create database {}").format(sql.Identifier(database)))
        except psycopg.errors.InsufficientPrivilege as closed:
            raise Problem("portal_owner may not make databases; run what `portal roles` prints.") from closed
        try:
            rights = "revoke all on database {0} from public; grant connect on database {0} to portal_web, portal_worker, portal_backup"
            owner.execute(sql.SQL(rights).format(sql.Identifier(database)))
            yield replace(
                settings,
                database_url=in_database(settings.database_url, database),
                owner_url=in_database(settings.owner_url, database),
                worker_url=in_database(settings.worker_url, database),
                backup_url=in_database(settings.backup_url, database),
            )
        finally:
            _drop(owner, database)


def _drop(owner: psycopg.Connection, database: str) -> None:
    try:
        owner.execute(sql.SQL("drop database if exists {}").format(sql.Identifier(database)))
    except psycopg.errors.ObjectInUse as used:
        raise Problem(f"Somebody is still connected to the database {database}, which was only for a trial.") from used


def in_database(url: str, database: str) -> str:
    """The same login on another database of the same server."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(path=f"/{quote(database)}"))
