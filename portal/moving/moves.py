"""Moving in and out by the browser, as an admin asks for it: a file that is kept a day, and what the worker is to do with it.

The file lies in the database, a piece a row, because the worker may be on another machine. What is wrong with all of it is
found while it comes, and nothing of it is kept then.
"""

import io
from datetime import UTC, datetime, timedelta
from typing import IO, Any
from uuid import UUID, uuid4

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from portal import audit
from portal.database.identity import person
from portal.moving import files, jobs
from portal.moving.files import LAYOUTS, Rows, columns_of, head_of
from portal.moving.models import Move, MovePart
from portal.moving.stored import PIECE, parts
from portal.problems import Problem, Refused

MOST_BYTES = 200_000_000
"""Of a file. What is larger moves in by `portal import`."""
MOST_AT_ONCE = 5
STALE = timedelta(minutes=10)
"""A step that nothing was heard of for so long is taken for stopped."""
ARCHIVE = "archive"
FORMATS = {
    "ghost": "Ghost: Members, Export all members",
    "memberful": "Memberful: Members, Export",
    "pmpro": "Paid Memberships Pro: Members List, Export to CSV",
    "csv": "Any other CSV",
    ARCHIVE: "An archive of another portal like this one",
}


class NotNow(Refused):
    """This cannot be done just now, since the worker is at it or it was done meanwhile. Look at where it is."""


class TooMany(Refused):
    """Five files and archives of yours are here. Delete one of them first."""


class NotAFile(Refused):
    """A file that is no file of people, and why."""


def receive(db: Session, format_: str, name: str, file: IO[bytes]) -> UUID:
    """Keep an uploaded file. Raises Refused, with what is wrong with it, and then nothing of it may be kept."""
    move = _new(db, "file", format_, name)
    checked = _Checked("This file", is_text=format_ != ARCHIVE)
    for number, piece in enumerate(iter(lambda: file.read(PIECE), b"")):
        checked.take(piece)
        db.execute(insert(MovePart).values(move_id=move.id, kind="file", number=number, content=piece))
    checked.end()
    move.bytes, move.total = checked.bytes, checked.lines
    if format_ != ARCHIVE:
        try:
            head(db, move)
        except Problem as problem:
            raise NotAFile(str(problem)) from problem
    audit.record(db, "club.file-uploaded", f"{FORMATS[format_]}, {checked.bytes:,} bytes", category="security")
    return move.id


class _Checked:
    """What can be said of a file while its pieces go by."""

    def __init__(self, called: str, *, is_text: bool) -> None:
        self.called, self.is_text, self.bytes, self.lines = called, is_text, 0, 0
        self._cut = b""

    def take(self, piece: bytes) -> None:
        """Another piece. Raises NotAFile."""
        if not self.bytes and self.is_text and piece[:2] in (b"PK", b"\xd0\xcf", b"\x1f\x8b"):
            raise NotAFile(f"{self.called} is a spreadsheet or an archive: save it as “CSV UTF-8”.")
        if not self.bytes and not self.is_text and piece[:2] != b"PK":
            raise NotAFile(f"{self.called} is no archive of “Move out”, which is a ZIP file.")
        self.bytes += len(piece)
        if self.bytes > MOST_BYTES:
            raise NotAFile(
                f"{self.called} is larger than {MOST_BYTES // 1_000_000} MB: use “portal import” on the server."
            )
        if self.is_text:
            self._read(piece)

    def _read(self, piece: bytes) -> None:
        text = self._cut + piece
        try:
            text.decode()
            self._cut = b""
        except UnicodeDecodeError as broken:
            if broken.reason != "unexpected end of data":
                raise NotAFile(files.not_utf8(self.called, self._line_of(text, broken.start))) from broken
            self._cut = text[broken.start :]
        if (place := text.find(b"\0")) >= 0:
            raise NotAFile(
                f"{self.called} holds a NUL character in line {self._line_of(text, place)}, as no text does."
            )
        self.lines += piece.count(b"\n")

    def _line_of(self, text: bytes, place: int) -> int:
        return self.lines + text.count(b"\n", 0, place) + 1

    def end(self) -> None:
        """There is no more. Raises NotAFile."""
        if not self.bytes:
            raise NotAFile("Choose a file that has something in it.")
        if self._cut:
            raise NotAFile(files.not_utf8(self.called, self.lines + 1))


def head(db: Session, move: Move) -> tuple[list[str], list[str]]:
    """The columns of the file and what its first row has in them. Raises Problem."""
    first = next(parts(db, move.id, "file"))
    rows = Rows(io.StringIO(first.decode("utf-8-sig", "ignore"), newline=""), "This file")
    columns = head_of(rows)
    return columns, next(rows, [])


def guessed(move: Move, columns: list[str]) -> dict[str, str]:
    """Which column is which field: as the admin said, else as the format has it."""
    return move.options["columns"] if "columns" in move.options else columns_of(LAYOUTS[move.format], columns)


def check(db: Session, move: Move, options: dict[str, Any]) -> None:
    """Have the worker try it with these options. Raises Refused."""
    _refuse_busy(move)
    if move.step == "take":
        raise NotNow
    move.options = options
    _begin(move, "check")
    jobs.check.enqueue(db, move_id=move.id)


def take(db: Session, move: Move, *, invites: bool) -> None:
    """Have the worker take what was tried. Raises Refused."""
    _refuse_busy(move)
    if (move.step, move.state) != ("check", "done"):
        raise NotNow
    move.options = {**move.options, "invites": invites}
    _begin(move, "take")
    jobs.take.enqueue(db, move_id=move.id)
    audit.record(db, "club.move-asked", FORMATS[move.format], category="security", invites=invites)


def go_on(db: Session, move: Move) -> None:
    """Have the worker do again what failed or was left; taking goes on where it was. Raises Refused."""
    _refuse_busy(move)
    if move.state == "done":
        raise NotNow
    move.state, move.failure, move.changed_at = "running", None, datetime.now(UTC)
    {"check": jobs.check, "take": jobs.take, "export": jobs.pack}[move.step].enqueue(db, move_id=move.id)


def invite(db: Session, move: Move) -> None:
    """Have everybody who was taken and was not written to yet invited. Raises Refused."""
    if (move.step, move.state) != ("take", "done"):
        raise NotNow
    move.options = {**move.options, "invites": True}
    jobs.invite.enqueue(db, move_id=move.id)
    audit.record(db, "club.invitations-asked", FORMATS[move.format], category="email")


def export(db: Session) -> UUID:
    """Have the worker make an archive. Raises Refused."""
    move = _new(db, "export", ARCHIVE, "")
    _begin(move, "export")
    jobs.pack.enqueue(db, move_id=move.id)
    audit.record(db, "club.archive-asked", "An archive of everything was asked for", category="security")
    return move.id


def forget(db: Session, move: Move) -> None:
    """Delete the file or archive now. Raises Refused."""
    _refuse_busy(move)
    db.execute(delete(Move).where(Move.id == move.id))


def mine(db: Session) -> list[Move]:
    """The viewer's own, the newest first."""
    return list(db.scalars(select(Move).order_by(Move.created_at.desc(), Move.id)))


def is_stuck(move: Move) -> bool:
    """Whether a step has to be begun again by hand: it failed, or nothing was heard of it for long."""
    return move.state == "failed" or (move.state == "running" and datetime.now(UTC) - move.changed_at > STALE)


def _new(db: Session, step: str, format_: str, name: str) -> Move:
    admin = person(db)
    assert admin is not None, "a route for admins"  # noqa: S101
    if (db.scalar(select(func.count()).select_from(Move)) or 0) >= MOST_AT_ONCE:
        raise TooMany
    move = Move(
        id=uuid4(), admin_id=admin.id, step=step, state="done", format=format_, file_name=name[:200], options={}
    )
    db.add(move)
    db.flush()
    return move


def _begin(move: Move, step: str) -> None:
    move.step, move.state, move.done, move.failure, move.report = step, "running", 0, None, None
    move.changed_at = datetime.now(UTC)


def _refuse_busy(move: Move) -> None:
    if move.state == "running" and not is_stuck(move):
        raise NotNow
