"""Backups: a dump a day in a folder, kept for two weeks, one a week for eight, one a month for a year.

A dump has every row, hashed passwords too: the folder is for its owner's eyes, and belongs on another disk. Beside each
lie its checksum, the roles a new server needs, and, for all together, who has closed their account since (a restored
backup must not bring them back). Times are the machine's; file names are in UTC.
"""

import hashlib
import os
import re
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any, LiteralString

import psycopg
from psycopg import sql
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from portal import clock
from portal.accounts.models import User
from portal.config import Settings
from portal.database import roles
from portal.database.transactions import keep, let_go
from portal.operations.models import Backup
from portal.operations.offsite import copy_away
from portal.operations.start import reach
from portal.operations.tools import run
from portal.problems import Problem
from portal.setting_values import plain_url

DAYS, WEEKS, MONTHS = 14, 8, 12
TOO_OLD = timedelta(hours=30)
"""A newest backup older than this is an alarm."""
STAMP = "%Y%m%d-%H%M%S"


def folder_of(settings: Settings) -> Path:
    """Where backups are kept. Raises `Problem` if no folder was named, or none one can write to."""
    if settings.backups is None:
        raise Problem("BACKUPS names no folder to keep backups in.")
    try:
        settings.backups.mkdir(parents=True, exist_ok=True, mode=0o700)
        with TemporaryFile(dir=settings.backups):
            return settings.backups
    except OSError as error:
        raise Problem(f"BACKUPS names {settings.backups}, which cannot be written to: {error.strerror}.") from error


def back_up(db: Session, settings: Settings) -> Backup:
    """Dump the database and note that; let go of backups whose time is over; copy the new one off this machine if there is a
    command for that. Raises `Problem`, also when only the copy failed: then the backup itself is there, and noted.
    """
    let_go(db)
    made = note(db, settings, dump(settings))
    keep(db)
    file = folder_of(settings) / made.file
    copy_away(settings, file, closed_beside(file))
    return made


def dump(settings: Settings) -> Backup:
    """A dump of the database, in its file and not yet noted. Raises `Problem`."""
    try:
        return _dumped(settings)
    except OSError as error:  # a full disk, above all
        raise Problem(f"The backup could not be written to {settings.backups}: {error.strerror}.") from error


def _dumped(settings: Settings) -> Backup:
    folder, url, made_at = folder_of(settings), plain_url(settings.backup_url), datetime.now(UTC)
    with reach(url) as connection:
        _refuse_bound(connection)
        name = re.sub("[^a-z0-9]+", "-", connection.info.dbname.lower()).strip("-")
        file = folder / f"{name}-{made_at:{STAMP}}.dump"
        revision, row_counts = _dump(connection, url, file)
        beside(file, "roles.sql").write_text(roles.script(connection.info.dbname))
    checksum = sha256(file)
    beside(file, "sha256").write_text(f"{checksum}  {file.name}\n")
    return Backup(
        file=file.name,
        made_at=made_at,
        club_at=clock.now(),
        bytes=file.stat().st_size,
        sha256=checksum,
        revision=revision,
        row_counts=row_counts,
    )


def note(db: Session, settings: Settings, made: Backup) -> Backup:
    """Write down a backup that was made, and delete those whose time is over."""
    db.add(made)
    db.flush()
    remember_closed(db, closed_beside(folder_of(settings) / made.file))
    forget(db, folder_of(settings), name_of(made.file))
    return made


def _refuse_bound(connection: psycopg.Connection) -> None:
    sees_all = "select rolsuper or rolbypassrls from pg_catalog.pg_roles where rolname = session_user"
    if _one(connection, sees_all) != (True,):
        raise Problem(
            f"{connection.info.user} is bound by row security and sees nobody; backups are made as portal_backup."
        )


def _dump(connection: psycopg.Connection, url: str, file: Path) -> tuple[str, dict[str, int]]:
    """Write the dump; the revision and row counts are read from the very snapshot that is dumped."""
    with connection.transaction():
        connection.execute("set transaction isolation level repeatable read, read only")
        snapshot, revision = _one(connection, "select pg_export_snapshot(), version_num from alembic_version")
        counted = counts(connection)
        unfinished = file.with_suffix(".part")
        unfinished.touch(mode=0o600)
        try:
            run(
                "pg_dump",
                connection.info.server_version // 10_000,
                url,
                "--format=custom",
                f"--snapshot={snapshot}",
                "--lock-wait-timeout=60s",
                f"--file={unfinished}",
            )
            with open(unfinished, "rb") as written:
                os.fsync(written.fileno())
            unfinished.rename(file)
        finally:
            unfinished.unlink(missing_ok=True)
    return revision, counted


def counts(connection: psycopg.Connection) -> dict[str, int]:
    """How many rows each table has, for a role that may see them all."""
    counting = "select count(*) from {}"
    return {
        name: _one(connection, sql.SQL(counting).format(sql.Identifier(schema, name)))[0]
        for schema, name in tables(connection)
    }


def tables(connection: psycopg.Connection) -> list[tuple[str, str]]:
    """Every table of ours: its schema and name."""
    return connection.execute(
        "select n.nspname, c.relname from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace"
        " where c.relkind = 'r' and n.nspname in ('public', 'auth') order by 1, 2"
    ).fetchall()


def _one(
    connection: psycopg.Connection, statement: LiteralString | sql.Composed
) -> tuple[Any, ...]:  # whatever was asked
    row = connection.execute(statement).fetchone()
    assert row is not None  # noqa: S101 - each of these has exactly one row
    return row


def sha256(file: Path) -> str:
    """The file's checksum."""
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def beside(file: Path, kind: str) -> Path:
    """The file of that kind that belongs to a dump."""
    return file.with_suffix(f".{kind}")


def name_of(file: str) -> str:
    """The database a dump is of, as its file's name begins."""
    return file.rsplit("-", 2)[0]


def closed_beside(file: Path) -> Path:
    """Where the ids of closed accounts are kept, for all dumps of a database."""
    return file.parent / f"{name_of(file.name)}-closed"


def remember_closed(db: Session, file: Path) -> None:
    """Keep the ids of closed accounts outside the database, for whoever restores an older one."""
    known = set(file.read_text().split()) if file.exists() else set()
    closed = {str(person) for person in db.scalars(select(User.id).where(User.closed_at.is_not(None)))}
    file.touch(mode=0o600)
    file.write_text("".join(f"{person}\n" for person in sorted(known | closed)))


def forget(db: Session, folder: Path, name: str) -> None:
    """Delete the dumps of database `name` whose time is over; never the newest that was proved."""
    dumps = {stamp: file for file in folder.glob(f"{name}-*.dump") if (stamp := _stamp_of(file, name)) is not None}
    proved = db.scalar(select(Backup.file).where(Backup.proved.is_(True)).order_by(Backup.made_at.desc()).limit(1))
    keep = kept(dumps)
    for stamp, file in dumps.items():
        if stamp not in keep and file.name != proved:
            for each in (file, beside(file, "sha256"), beside(file, "roles.sql")):
                each.unlink(missing_ok=True)
            db.execute(update(Backup).where(Backup.file == file.name).values(deleted_at=datetime.now(UTC)))


def kept(moments: Iterable[datetime]) -> set[datetime]:
    """Which of backups made at these moments to keep: the newest of each of the last days, weeks and months that had one."""
    keep: set[datetime] = set()
    newest_first = sorted(moments, reverse=True)
    for period, many in (("%Y-%m-%d", DAYS), ("%G-%V", WEEKS), ("%Y-%m", MONTHS)):
        newest_of: dict[str, datetime] = {}
        for moment in newest_first:
            newest_of.setdefault(moment.strftime(period), moment)
        keep |= set(list(newest_of.values())[:many])
    return keep


def _stamp_of(file: Path, name: str) -> datetime | None:
    try:
        return datetime.strptime(file.stem.removeprefix(f"{name}-"), STAMP).replace(tzinfo=UTC)
    except ValueError:
        return None
