"""What the worker does for admins who move a club in or out by the browser. One after the other: each is large."""

import io
import itertools
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
from flask import current_app
from psycopg.types.json import Jsonb
from sqlalchemy import delete, insert, text
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.database.transactions import keep, let_go
from portal.jobs import job
from portal.moving import archive, invitations
from portal.moving import export as moving_out
from portal.moving.files import LAYOUTS, People
from portal.moving.models import Move, MovePart
from portal.moving.records import KINDS
from portal.moving.stored import PIECE, parts, source_of, wish_of
from portal.moving.taking import Report
from portal.moving.taking import take as take_all
from portal.problems import Problem
from portal.setting_values import plain_url

KEEP = """
update moves set done = %(done)s, report = %(report)s, changed_at = now() where id = %(move_id)s
"""
KEEP_PART = """
insert into move_parts (move_id, kind, number, content)
select %(move_id)s, 'report', count(*), %(content)s from move_parts where move_id = %(move_id)s and kind = 'report'
"""
OLD = text("""
delete from moves where created_at < now() - interval '1 day'
   and not (state = 'running' and changed_at > now() - interval '10 minutes')
""")
PACKED = text("update moves set done = :done, changed_at = now() where id = :id")


@job("moving.check", lock="moving")
def check(db: Session, move_id: UUID) -> None:
    """Try what moving in from a file would do, and change nothing."""
    _move_in(db, move_id, dry_run=True)


@job("moving.take", lock="moving")
def take(db: Session, move_id: UUID) -> None:
    """Move people in from a file, going on where the last batch was kept."""
    _move_in(db, move_id, dry_run=False)


@job("moving.invite", lock="moving")
def invite(db: Session, move_id: UUID) -> None:
    """Invite those who moved in from a file to choose a password, each once."""
    if move := db.get(Move, move_id):
        invitations.invite(db, source_of(move))


@job("moving.pack", lock="moving")
def pack(db: Session, move_id: UUID) -> None:
    """Make an archive of everything the club has, for the admin who asked."""
    with _told(db, move_id) as move:
        if move is None:
            return
        tables = itertools.count(1)

        def wrote(_line: str) -> None:
            db.execute(PACKED, {"done": next(tables), "id": move_id})
            keep(db)

        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "club.zip"
            move.total = len(moving_out.exported())
            db.execute(delete(MovePart).where(MovePart.move_id == move_id))
            let_go(db)
            rows = moving_out.export(plain_url(_settings().worker_url), file, wrote)
            with file.open("rb") as made:
                for number, piece in enumerate(iter(lambda: made.read(PIECE), b"")):
                    db.execute(insert(MovePart).values(move_id=move_id, kind="archive", number=number, content=piece))
                    keep(db)
            move.bytes, move.state, move.report = file.stat().st_size, "done", {"rows": sum(rows.values())}


@job("moving.forget", cron="41 * * * *", lock="moving.forget")
def forget(db: Session) -> None:
    """Delete files of people and archives a day after they came."""
    db.execute(OLD)


def _move_in(db: Session, move_id: UUID, *, dry_run: bool) -> None:
    with _told(db, move_id) as move, ExitStack() as opened:
        if move is None:
            return
        source, settings, before = source_of(move), _settings(), move.report or {}
        resumed = not dry_run and "position" in before
        file = opened.enter_context(_as_file(db, move))
        rows, line = _rows(file, move, settings)
        if not resumed:
            before = {}
            db.execute(delete(MovePart).where(MovePart.move_id == move_id, MovePart.kind == "report"))
        let_go(db)
        # What a dry run says has to outlive what it does: it goes over a connection of its own, and not of the pool's.
        apart = (
            opened.enter_context(psycopg.connect(plain_url(settings.worker_url), autocommit=True)) if dry_run else None
        )
        written = io.StringIO()
        report = _report(written, before)
        position = int(before.get("position", 0))

        def progress(number: int) -> None:
            connection = apart or db.connection().connection.driver_connection
            assert isinstance(connection, psycopg.Connection)  # noqa: S101
            told = {"move_id": move_id, "done": line(), "report": Jsonb(_as_json(report, position + number))}
            connection.execute(KEEP, told)
            if content := written.getvalue().encode():
                connection.execute(KEEP_PART, {"move_id": move_id, "content": content})
                written.seek(0)
                written.truncate()

        take_all(db, source, itertools.islice(rows, position, None), report, dry_run=dry_run, progress=progress)
        move = db.get_one(Move, move_id, populate_existing=True)
        move.state, move.done = "done", move.total
        if not dry_run and move.options.get("invites"):
            invite.enqueue(db, move_id=move_id)


@contextmanager
def _told(db: Session, move_id: UUID) -> Iterator[Move | None]:
    """The move, or None if it was deleted or done meanwhile; that it failed is told to the admin on its page."""
    move = db.get(Move, move_id)
    try:
        yield move if move is not None and move.state != "done" else None
    except Exception as error:
        db.rollback()
        move = db.get(Move, move_id, populate_existing=True)
        if move is not None:
            move.state = "failed"
            move.failure = str(error) if isinstance(error, Problem) else BROKEN
        if isinstance(error, Problem):
            return
        keep(db)
        raise


BROKEN = "Something broke on our side, and what was done until then is kept. The log says what it was."


@contextmanager
def _as_file(db: Session, move: Move) -> Iterator[Path]:
    """The uploaded file on this machine's disk, where nobody else may read it, for as long as it is read."""
    with tempfile.NamedTemporaryFile(suffix=".csv") as file:
        for piece in parts(db, move.id, "file"):
            file.write(piece)
        file.flush()
        yield Path(file.name)


def _rows(file: Path, move: Move, settings: Settings) -> tuple[Any, Callable[[], int]]:
    """What a file yields, and how to know at which line it is."""
    wish = wish_of(settings, move)
    if move.format == "archive":
        return archive.people(file, wish, "This file"), lambda: 0
    people = People(file, LAYOUTS[move.format], wish, "This file")
    return people, lambda: people.line


def _report(written: io.StringIO, before: dict[str, Any]) -> Report:
    """A report that goes on from what was kept of it, without a second head then."""
    report = Report(written)
    if before:
        written.seek(0)
        written.truncate()
        report.taken, report.known = Counter(before["taken"]), Counter(before["known"])
        report.reasons = Counter({(kind, reason): number for kind, reason, number in before["reasons"]})
        report.unknown_prices = Counter(before["prices"])
    return report


def _as_json(report: Report, position: int) -> dict[str, Any]:
    return {
        "position": position,
        "taken": {kind.kind: report.taken[kind.kind] for kind in KINDS},
        "known": {kind.kind: report.known[kind.kind] for kind in KINDS},
        "reasons": [[kind, reason, number] for (kind, reason), number in report.reasons.items()],
        "prices": dict(report.unknown_prices),
    }


def _settings() -> Settings:
    settings: Settings = current_app.config["SETTINGS"]
    return settings
