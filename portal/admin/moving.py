"""Moving people in from a file, and everything out as an archive: uploaded, tried, looked at, taken; with progress."""

import itertools
import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, abort, current_app, flash, redirect, request
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from wtforms import BooleanField, FileField, SelectField, ValidationError
from wtforms.fields import SelectChoice

from portal import audit
from portal.access import admin, proved, takes_files
from portal.admin.operations import machine_time
from portal.database import db
from portal.database.transactions import transaction
from portal.forms import Form, Line, day_field
from portal.moving import moves
from portal.moving.models import Move
from portal.moving.records import KINDS
from portal.moving.stored import part
from portal.operations.models import size
from portal.problems import Problem, Refused
from portal.web import page, wants_fragment

WITH_A_FILE = moves.MOST_BYTES + 1_000_000
"""Bytes of the form that brings one; a little too big a file still gets a sentence at its field."""
WORDS = {
    "person": "People",
    "order": "Orders",
    "grant": "Days",
    "adoption": "Plans at Stripe",
    "family": "Families",
    "member": "People in families",
    "meeting": "Meetings",
    "attendance": "Answers",
}
LABELS = {
    "email": "Address",
    "first_name": "First name",
    "last_name": "Last name",
    "name": "Whole name",
    "id": "Id there",
    "zone": "Time zone",
    "since": "Joined",
    "until": "Paid until",
    "complimentary": "Pays nothing",
    "status": "Status",
    "gone": "Gone",
    "customer": "Customer at Stripe",
    "subscription": "Subscription at Stripe",
    "price": "Plan or price there",
}
HINTS = {
    "name": "Where it is in one column.",
    "id": "What the row is called there. Without it people are known by their addresses.",
    "zone": "Like Europe/Lisbon. Without it people have the club’s.",
    "until": "The day counts.",
    "complimentary": "Yes or no.",
    "status": "Anything but active, and no days are taken.",
    "gone": "A date, or yes: the person is not taken.",
    "customer": "Like cus_NffrFeUfNV2Hib.",
    "subscription": "Like sub_1MowQVLkdIwHu7ix.",
    "price": "Those that need a plan here are listed when the file was tried.",
}
DATES = {
    "": "As this kind of file writes them",
    "%Y-%m-%d": "2026-11-30",
    "%d.%m.%Y": "30.11.2026",
    "%d/%m/%Y": "30/11/2026",
    "%m/%d/%Y": "11/30/2026",
}
PLANS = {
    "": "Not taken",
    "individual/monthly": "Individual, monthly",
    "individual/yearly": "Individual, yearly",
    "family/monthly": "Family, monthly",
    "family/yearly": "Family, yearly",
}


class FileForm(Form):
    """A file and what it is. The file is read from the request; a form of ours takes no files."""

    format = SelectField("What it is", choices=[SelectChoice(*kind) for kind in moves.FORMATS.items()])
    file = FileField("File")


class OptionsForm(Form):
    """What a file does not say itself."""

    until = day_field("Plans without an end last until", optional=True)
    name = Line("A name for this source", most=40)

    def options(self) -> dict[str, Any]:
        """What was chosen, as it is kept with the file."""
        return {"until": self.until.data and self.until.data.isoformat(), "name": self.name.data, "prices": _prices()}


class MappingForm(OptionsForm):
    """Besides that, which column is which field: `mapping_form` gives it a field for each."""

    dates = SelectField(
        "Dates are written like", choices=[SelectChoice(*pattern) for pattern in DATES.items()], default=""
    )

    def validate_column_email(self, field: SelectField) -> None:
        """Refuse a file of which nobody knows where the addresses are."""
        if not field.data:
            raise ValidationError("Choose the column with the addresses.")

    def options(self) -> dict[str, Any]:
        """With the columns."""
        columns = {meaning: self[f"column_{meaning}"].data for meaning in LABELS}
        return {**super().options(), "dates": self.dates.data, "columns": columns}


class TakeForm(Form):
    """The last question before people are moved in."""

    invites = BooleanField("Invite them by mail to choose a password")


def _prices() -> dict[str, str]:
    """The plans that were chosen for prices of the file: two lists of the same length."""
    chosen = zip(request.form.getlist("price"), request.form.getlist("plan"), strict=False)
    return {theirs[:200]: ours for theirs, ours in chosen if ours in PLANS and ours}


def mapping_form(columns: list[str], row: list[str]) -> type[MappingForm]:
    """The form for a file with these columns; each is shown with what the first row has in it."""
    cells = dict(zip(columns, row, strict=False))
    choices = [SelectChoice("", "Not in this file")] + [
        SelectChoice(column, f"{column} ({cells[column][:24]})" if cells.get(column) else column)
        for column in columns
        if column
    ]
    fields = {
        f"column_{meaning}": SelectField(label, choices=choices, default="", description=HINTS.get(meaning, ""))
        for meaning, label in LABELS.items()
    }
    return type("FileMappingForm", (MappingForm,), fields)


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    one = "/moving/<uuid:move_id>"
    bp.add_url_rule("/moving", "moving", moving)
    bp.add_url_rule("/moving", "upload_people", upload, methods=["POST"])
    bp.add_url_rule("/moving/out", "move_out", move_out, methods=["POST"])
    bp.add_url_rule(one, "move", move)
    bp.add_url_rule(f"{one}/progress", "move_progress", progress)
    bp.add_url_rule(f"{one}/check", "check_move", check, methods=["POST"])
    bp.add_url_rule(f"{one}/take", "take_move", take, methods=["POST"])
    bp.add_url_rule(f"{one}/again", "move_again", again, methods=["POST"])
    bp.add_url_rule(f"{one}/invitations", "invite_moved", invite, methods=["POST"])
    bp.add_url_rule(f"{one}/removal", "remove_move", remove, methods=["POST"])
    bp.add_url_rule(f"{one}/report.csv", "move_report", report)
    bp.add_url_rule(f"{one}/archive", "move_archive", archive, methods=["POST"])


@admin
@proved
def moving() -> ResponseReturnValue:
    """The forms, and what the admin began in the last day. Asks for the code first: no file outlives that."""
    return _start(FileForm(None))


@admin
@takes_files(WITH_A_FILE)
def upload() -> ResponseReturnValue:
    """Keep the file, or say what is wrong with it."""
    form, sent = FileForm(), request.files.get("file")
    if not form.validate():
        return _start(form, 422)
    if not sent or not sent.filename:
        form.file.errors = ["Choose a file."]
        return _start(form, 422)
    try:
        move_id = moves.receive(db.session(), form.format.data, _file_name(sent.filename), sent.stream)
    except Refused as refusal:
        db.session.rollback()
        form.file.errors = [refusal.sentence]
        return _start(form, 422)
    return redirect(f"/admin/moving/{move_id}", 303)


@admin
def move_out() -> ResponseReturnValue:
    """Have an archive made."""
    try:
        move_id = moves.export(db.session())
    except Refused as refusal:
        return _refused(refusal, "/admin/moving")
    return redirect(f"/admin/moving/{move_id}", 303)


@admin
@proved
def move(move_id: UUID) -> ResponseReturnValue:
    """How it stands, what came of it, and what may be done next."""
    return _page(_mine(move_id))


@admin
def progress(move_id: UUID) -> ResponseReturnValue:
    """How far the worker is; the whole page when it is not at it any more."""
    row = _mine(move_id)
    if row.state == "running" and not moves.is_stuck(row) and wants_fragment():
        return page("admin/_move_progress.html", move=row)
    return "", 200, {"HX-Redirect": f"/admin/moving/{move_id}"}


@admin
def check(move_id: UUID) -> ResponseReturnValue:
    """Have it tried with what was chosen."""
    row = _mine(move_id)
    form = _form(row)()
    if not form.validate():
        return _page(row, form, 422)
    return _done(row, lambda: moves.check(db.session(), row, form.options()))


@admin
def take(move_id: UUID) -> ResponseReturnValue:
    """Have the people moved in."""
    row, form = _mine(move_id), TakeForm()
    return _done(row, lambda: moves.take(db.session(), row, invites=bool(form.invites.data)))


@admin
def again(move_id: UUID) -> ResponseReturnValue:
    """Have the worker go on with what failed or was left."""
    row = _mine(move_id)
    return _done(row, lambda: moves.go_on(db.session(), row))


@admin
def invite(move_id: UUID) -> ResponseReturnValue:
    """Have those who were taken invited to choose a password."""
    row = _mine(move_id)
    flash("Everybody who was moved in and has not been here yet is written to, once.", "note")
    return _done(row, lambda: moves.invite(db.session(), row))


@admin
def remove(move_id: UUID) -> ResponseReturnValue:
    """Delete the file or archive, and the report."""
    try:
        moves.forget(db.session(), _mine(move_id))
    except Refused as refusal:
        return _refused(refusal, f"/admin/moving/{move_id}")
    flash("It is deleted.", "note")
    return redirect("/admin/moving", 303)


@admin
@proved
def report(move_id: UUID) -> ResponseReturnValue:
    """Every row that was not taken, or only in part, and why, for a spreadsheet."""
    row = _mine(move_id)
    return _sent(row, "report", "not-taken.csv", "text/csv; charset=utf-8", "\N{ZERO WIDTH NO-BREAK SPACE}".encode())


@admin
def archive(move_id: UUID) -> ResponseReturnValue:
    """The archive that was made."""
    row = _mine(move_id)
    if (row.step, row.state) != ("export", "done"):
        abort(404)
    audit.record(db.session(), "club.archive-downloaded", f"{row.bytes:,} bytes", category="security")
    return _sent(row, "archive", f"club-{row.created_at:%Y-%m-%d}.zip", "application/zip")


def _sent(row: Move, kind: str, name: str, content_type: str, first: bytes = b"") -> Response:
    move_id, app, actor = row.id, current_app._get_current_object(), db.session().info["actor"]  # type: ignore[attr-defined]

    def pieces() -> Iterator[bytes]:
        # Each piece in a transaction of its own, as who asked for it: no connection is held while whoever reads is slow.
        yield first
        for number in itertools.count():
            with transaction(app, actor) as session:
                piece = part(session, move_id, kind, number)
            if piece is None:
                return
            yield piece

    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(pieces(), content_type=content_type, headers=headers)


def _done(row: Move, act: Callable[[], object]) -> ResponseReturnValue:
    try:
        act()
    except Refused as refusal:
        return _refused(refusal, f"/admin/moving/{row.id}")
    return redirect(f"/admin/moving/{row.id}", 303)


def _refused(refusal: Refused, where: str) -> ResponseReturnValue:
    db.session.rollback()
    flash(refusal.sentence, "error")
    return redirect(where, 303)


def _mine(move_id: UUID) -> Move:
    """The admin's own; another's is a 404."""
    row: Move | None = db.session().scalar(select(Move).where(Move.id == move_id))
    return row or abort(404)


def _file_name(name: str) -> str:
    return re.sub(r"[^\w. ()+-]", "_", name.rpartition("/")[2].rpartition("\\")[2])[:100]


def _form(row: Move) -> type[OptionsForm]:
    if row.format == moves.ARCHIVE:
        return OptionsForm
    try:
        return mapping_form(*moves.head(db.session(), row))
    except (Problem, StopIteration):  # pragma: no cover - it was read when it came
        abort(404)


def _filled(row: Move) -> OptionsForm:
    kind = _form(row)
    data: dict[str, Any] = {name: row.options.get(name) for name in ("name", "dates")}
    if until := row.options.get("until"):
        data["until"] = datetime.fromisoformat(until).date()
    if issubclass(kind, MappingForm):
        columns, _first = moves.head(db.session(), row)
        data |= {f"column_{meaning}": column for meaning, column in moves.guessed(row, columns).items()}
    return kind(None, data=data)


def _start(form: FileForm, status: int = 200) -> ResponseReturnValue:
    rows = moves.mine(db.session())
    return page(
        "admin/moving.html", status, form=form, rows=[(row, _state(row), machine_time(row.created_at)) for row in rows]
    )


STATES = {
    "file": ("ring", "Uploaded", ""),
    "check": ("half", "Tried", ""),
    "take": ("full", "Moved in", "ok"),
    "export": ("full", "Ready", "ok"),
}


def _state(row: Move) -> tuple[str, str, str]:
    if moves.is_stuck(row):
        return "cross", "Stopped", "bad"
    return ("quarter", "Running", "amber") if row.state == "running" else STATES[row.step]


def _page(row: Move, form: OptionsForm | None = None, status: int = 200) -> ResponseReturnValue:
    may_map = row.step in ("file", "check") and (row.state != "running" or moves.is_stuck(row))
    result = row.report or {}
    return page(
        "admin/move.html",
        status,
        move=row,
        form=(form or _filled(row)) if may_map else None,
        take=TakeForm(None) if (row.step, row.state) == ("check", "done") else None,
        stuck=moves.is_stuck(row),
        running=row.state == "running" and not moves.is_stuck(row),
        state=_state(row),
        began=machine_time(row.created_at),
        size=size(row.bytes),
        counts=[
            (WORDS[kind.kind], result["taken"][kind.kind], result["known"][kind.kind])
            for kind in KINDS
            if row.step != "export" and result and (result["taken"][kind.kind] or result["known"][kind.kind])
        ],
        reasons=sorted((WORDS[kind], reason, number) for kind, reason, number in result.get("reasons", ())),
        prices=_asked_prices(row),
        plans=PLANS,
        columns=[f"column_{meaning}" for meaning in LABELS],
    )


def _asked_prices(row: Move) -> list[tuple[str, int, str]]:
    """Prices of the file, how many rows have one that nobody said a plan for, and the plan it has now."""
    unknown: dict[str, int] = (row.report or {}).get("prices", {})
    known: dict[str, str] = row.options.get("prices", {})
    return [(price, 0, plan) for price, plan in known.items()] + [
        (price, number, "") for price, number in unknown.items()
    ]
