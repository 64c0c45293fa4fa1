"""The club's own words and rules: one form in sections, a preview of the front page, and its picture."""

from datetime import UTC, datetime

from flask import Blueprint, abort, flash, redirect, request
from flask.typing import ResponseReturnValue
from wtforms import Field, FileField, HiddenField, IntegerField, TimeField, ValidationError

from portal.access import admin, proved, takes_files
from portal.club import Row, actions, colours, picture
from portal.database import db
from portal.forms import EmailLine, Form, Line, Paragraphs, Validator, ZoneField, between, readable
from portal.meetings.actions import doors_moved
from portal.meetings.description import rendered
from portal.problems import Refused
from portal.setting_values import domains
from portal.web import page

LONG = 10_000
"""Characters of a text in Markdown."""
WITH_A_PICTURE = picture.MOST_BYTES + 100_000
"""Bytes of the form that brings one; a little too big a picture still gets a sentence at its field."""


def _from_to(least: int, most: int, sentence: str) -> list[Validator]:
    return [readable(sentence), between(least, most, sentence)]


def _refuse_faint(field: Field, theme: colours.Theme) -> None:
    """Raise `ValidationError` for what is no colour, or none within the contrast rules of a theme; nothing is one too."""
    if not field.data:
        return
    colour = colours.hex_digits(field.data)
    if not colour:
        raise ValidationError("Enter a colour as a # and six digits from 0 to 9 and a to f, like #174ea6.")
    if refusal := colours.refusal(colour, theme):
        raise ValidationError(refusal)


class ClubForm(Form):
    """Everything of the club's row but its picture."""

    club_name = Line("Name", most=60, missing="Enter the club’s name.")
    help_email = EmailLine("Help address")
    club_address = Paragraphs("Legal address", most=500)
    club_domains = Line("Domains", most=500)
    club_timezone = ZoneField("Time zone")
    default_meeting_time = TimeField("Usual hour", validators=[readable("Enter an hour, like 21:00.")])
    doors_minutes = IntegerField(
        "Minutes the doors open before the start", validators=_from_to(0, 60, "Enter a number of minutes, 60 at most.")
    )
    welcome_days = IntegerField("Free days", validators=_from_to(0, 31, "Enter a number of days, 31 at most."))
    grace_days = IntegerField("Days of grace", validators=_from_to(0, 90, "Enter a number of days, 90 at most."))
    tax_words = Line("Words about tax", most=120)
    front_title = Line("Headline", most=120)
    front_text = Paragraphs("Text", most=LONG, description="Paragraphs, lists and links, in Markdown.")
    privacy_text = Paragraphs("Addition to the privacy page", most=LONG, description="In Markdown.")
    terms_text = Paragraphs("Addition to the terms", most=LONG, description="In Markdown.")
    accent_light = Line("On light pages", most=20)
    accent_dark = Line("On dark pages", most=20)
    seen = HiddenField()

    def validate_club_domains(self, field: Field) -> None:
        """Refuse what is no list of domains."""
        try:
            domains(field.data)
        except ValueError as wrong:
            raise ValidationError(f"This {wrong}.") from wrong

    def validate_accent_light(self, field: Field) -> None:
        """Refuse a colour that is hard to see on light pages."""
        _refuse_faint(field, colours.LIGHT)

    def validate_accent_dark(self, field: Field) -> None:
        """Refuse a colour that is hard to see on dark pages."""
        _refuse_faint(field, colours.DARK)

    def changes(self) -> dict[str, object]:
        """What was typed, as the row keeps it."""
        typed = {name: self[name].data for name in actions.LABELS}
        for name, value in typed.items():
            if isinstance(value, str):
                typed[name] = value.replace("\r\n", "\n")
        typed["club_domains"] = list(domains(self.club_domains.data))
        typed["accent_light"] = colours.hex_digits(self.accent_light.data)
        typed["accent_dark"] = colours.hex_digits(self.accent_dark.data)
        return typed

    @property
    def looked_at(self) -> datetime:
        """When what was looked at had changed; long ago if the field was tampered with."""
        try:
            return datetime.fromisoformat(self.seen.data or "").astimezone(UTC)
        except (ValueError, OverflowError):
            return datetime.min.replace(tzinfo=UTC)

    @classmethod
    def of(cls, row: Row) -> "ClubForm":
        """The form as the club stands."""
        data = row._asdict() | {"club_domains": " ".join(row.club_domains), "seen": row.changed_at.isoformat()}
        for name in ("accent_light", "accent_dark"):
            data[name] = data[name] and f"#{data[name]}"
        return cls(None, data=data)


class PictureForm(Form):
    """The picture of the front page. The file is read from the request; a form of ours takes no files."""

    picture = FileField("Picture")
    alt = Line("What it shows", most=200, missing="Say what the picture shows, for those who do not see it.")


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/club", "club", club)
    bp.add_url_rule("/club", "change_club", change, methods=["POST"])
    bp.add_url_rule("/club/picture", "club_picture", picture_page)
    bp.add_url_rule("/club/picture", "hang_club_picture", hang, methods=["POST"])
    bp.add_url_rule("/club/picture/removal", "take_down_club_picture", take_down, methods=["POST"])


@admin
def club() -> ResponseReturnValue:
    """The form as the club stands."""
    return _page(ClubForm.of(_row()))


@admin
def change() -> ResponseReturnValue:
    """Save it; or only show how the front page would look."""
    form = ClubForm()
    if "show" in request.form:
        return _page(form, preview=True)
    if not form.validate():
        return _page(form, 422)
    try:
        changed = actions.save(db.session(), form.changes(), seen=form.looked_at)
        if "doors_minutes" in changed:
            doors_moved(db.session())
    except Refused as refusal:
        db.session.rollback()
        form.form_errors = [refusal.sentence]
        form.seen.data = _row().changed_at.isoformat()
        return _page(form, 409)
    flash(
        "Saved; every page shows it from now on." if changed else "Nothing was different, so nothing changed.", "note"
    )
    return redirect("/admin/club", 303)


@admin
@proved
def picture_page() -> ResponseReturnValue:
    """The picture that hangs on the front page, and the form for another. Asks for the code first: no file outlives that."""
    return _picture_page(PictureForm(None, data={"alt": _row().front_picture_alt}))


@admin
@takes_files(WITH_A_PICTURE)
def hang() -> ResponseReturnValue:
    """Put a picture on the front page; without a file, only other words for the one that is there."""
    form, row = PictureForm(), _row()
    good = form.validate()
    sent = request.files.get("picture")
    content = sent.read(picture.MOST_BYTES + 1) if sent else b""
    shown = None
    if content:
        try:
            shown = picture.read(content)
        except Refused as refusal:
            form.picture.errors = [refusal.sentence]
    elif row.front_picture is None:
        form.picture.errors = ["Choose a file."]
    if not good or form.picture.errors:
        return _picture_page(form, 422)
    actions.hang(db.session(), shown, form.alt.data)
    flash("The picture is on the front page.", "note")
    return redirect("/admin/club", 303)


@admin
def take_down() -> ResponseReturnValue:
    """Take the picture from the front page."""
    actions.take_down(db.session())
    flash("The front page has no picture of yours any more.", "note")
    return redirect("/admin/club", 303)


def _row() -> Row:
    """The club's row; 404 before the first start has made it."""
    return actions.stands(db.session()) or abort(404)


def _page(form: ClubForm, status: int = 200, *, preview: bool = False) -> ResponseReturnValue:
    row = _row()
    front = (form.front_title.data, rendered(form.front_text.data)) if preview else None
    return page("admin/club.html", status, form=form, row=row, front=front)


def _picture_page(form: PictureForm, status: int = 200) -> ResponseReturnValue:
    return page("admin/club_picture.html", status, form=form, row=_row())
