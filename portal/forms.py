"""What every form shares: text that is safe to keep, and sentences instead of error codes."""

import re
import unicodedata
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any

from email_validator import EmailNotValidError, validate_email
from flask import request
from flask_wtf import FlaskForm
from markupsafe import Markup
from werkzeug.datastructures import CombinedMultiDict
from wtforms import DateField, Field, SelectField, StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Optional, StopValidation
from wtforms.widgets import Select, html_params

from portal import clock
from portal.times import listed_name, older_names, zone_choices, zones
from portal.writing import in_form

# Line and paragraph separators, and the marks that turn the direction of everything after them.
_TURNING = set("\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")

# Letters and signs that are drawn as nothing (Hangul fillers, empty Braille).
_BLANK = set("\u115f\u1160\u2800\u3164\uffa0")

Validator = Callable[[FlaskForm, Field], None]


class Form(FlaskForm):
    """A form of the portal: unknown fields are ignored, CSRF is checked before any view."""

    class Meta(FlaskForm.Meta):
        csrf = False  # checked once for every request (portal/csrf.py), not again by each form

        def wrap_formdata(self, form: object, formdata: object) -> object:
            """What was typed is `request.form`; a file that somebody sends under the name of a field is nothing."""
            wrapped = super().wrap_formdata(form, formdata)
            return request.form if isinstance(wrapped, CombinedMultiDict) else wrapped


def tidy(most: int) -> Callable[[str | None], str]:
    """A filter: trimmed and in one Unicode form, so that what looks the same is the same.

    What is far over its length stays as it came, to be refused.
    """

    def filtered(value: str | None) -> str:
        value = value or ""
        return in_form("NFC", value).strip() if len(value) <= 4 * most else value

    return filtered


def within(most: int) -> Validator:
    """A validator: not longer than that; nothing else looks at what is."""

    def check(_form: FlaskForm, field: Field) -> None:
        if len(field.data or "") > most:
            raise StopValidation(f"Use at most {most:,} characters here.")

    return check


def plain(_form: FlaskForm, field: Field) -> None:
    """Refuse control characters: a database cannot keep NUL, a mail header no line break, a page neither."""
    allowed = "\n\r\t" if isinstance(field, TextAreaField) else ""
    for character in field.data or "":
        if (unicodedata.category(character) in ("Cc", "Cs") and character not in allowed) or character in _TURNING:
            raise ValidationError("There is an invisible character in this. Type it again instead of pasting it.")


def visible(sentence: str) -> Validator:
    """A validator: there is something to see, not only characters that show nothing; else the sentence."""

    def check(_form: FlaskForm, field: Field) -> None:
        if all(unicodedata.category(c) in ("Cf", "Zs", "Mn") or c in _BLANK for c in field.data or ""):
            raise StopValidation(sentence)

    return check


class Line(StringField):
    """One line of text: tidied, plain, of a length; required unless told otherwise."""

    def __init__(self, label: str, *, most: int, missing: str = "", **kwargs: object) -> None:
        validators: list[object] = [
            within(most),
            *([DataRequired(missing), visible(missing)] if missing else []),
            plain,
        ]
        super().__init__(label, validators, filters=[tidy(most)], **kwargs)


class Paragraphs(TextAreaField):
    """Several lines of text, tidied and plain."""

    def __init__(self, label: str, *, most: int, **kwargs: object) -> None:
        super().__init__(label, [within(most), plain], filters=[tidy(most)], **kwargs)


def address_in(typed: str) -> str:
    """The e-mail address as the club keeps it, or empty if it is none. Two spellings of one address are one."""
    try:
        return validate_email(typed, check_deliverability=False, allow_smtputf8=False).normalized
    except EmailNotValidError:
        return ""


def address(_form: FlaskForm, field: Field) -> None:
    """An e-mail address that mail can reach, by its form; whether it exists the mail will tell."""
    kept = address_in(field.data or "")
    if not kept:
        raise ValidationError("Enter an e-mail address with an @, like ana@duarte.pt")
    if len(kept) > 254:
        raise ValidationError("That address is longer than mail allows.")
    field.data = kept


_LEADS_SOMEWHERE = re.compile(r"[/\\@<>]|://|www\.", re.IGNORECASE)
_RUN_TOGETHER = re.compile(r"[^\W_]\.[^\W\d_]{2,}")
"""A dot without a blank, with two letters or more after it: mail programs make a link of it."""


def a_name(_form: FlaskForm, field: Field) -> None:
    """Names stand in the club's mails: they lead nowhere, whoever typed them, in whatever letters that look alike.

    What is drawn as nothing, and marks on letters, part no word: mail programs look past them.
    """
    bare = "".join(c for c in field.data or "" if unicodedata.category(c) not in ("Cf", "Mn", "Me"))
    seen = in_form("NFKC", bare).replace("\u3002", ".")
    if _LEADS_SOMEWHERE.search(seen):
        raise ValidationError("A name holds no web or mail address, and none of / \\ @ < >.")
    if _RUN_TOGETHER.search(seen):
        raise ValidationError("Put a blank after the dot, so that no mail program takes the name for a web address.")


class Name(Line):
    """What a person or a plan is called."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        super().__init__(label, **kwargs)
        self.validators: list[object] = [*(self.validators or ()), a_name]


class EmailLine(Line):
    """An e-mail address; kept as typed, compared without regard to case."""

    def __init__(self, label: str = "E-mail", *, optional: bool = False, **kwargs: object) -> None:
        missing = "" if optional else "Enter an e-mail address with an @, like ana@duarte.pt"
        super().__init__(label, most=254, missing=missing, **kwargs)
        self.validators: list[object] = [*([Optional()] if optional else []), *(self.validators or ()), address]


def only_known(choices: Iterable[str], sentence: str) -> Validator:
    """A validator: one of these, or the sentence."""
    known = frozenset(choices)

    def check(_form: FlaskForm, field: Field) -> None:
        if field.data not in known:
            raise ValidationError(sentence)

    return check


UNKNOWN_ZONE = "Choose a time zone from the list, so that every hour you see is right."


@lru_cache(maxsize=2)
def _zone_options(minute: datetime) -> Markup:
    option = Markup('<option value="{}"{}>{}</option>').format
    also = {zone: Markup(' data-also="{}"').format(" ".join(names)) for zone, names in older_names().items()}
    group = Markup('<optgroup label="{}">{}</optgroup>').format
    regions = (
        (name, Markup("").join(option(zone, also.get(zone, ""), label) for zone, label in some))
        for name, some in zone_choices(minute).items()
    )
    return Markup("").join(group(name, options) if name else options for name, options in regions)


class ZoneSelect(Select):
    """A select of four hundred zones by region, written once a minute for everybody. The script adds a search to it."""

    def __call__(self, field: Field, **kwargs: object) -> Markup:
        """The select, with the field's own zone chosen; an older name of a place is shown as the one that is offered."""
        options = _zone_options(clock.now().replace(second=0, microsecond=0))
        zone = listed_name(field.data) if field.data else ""
        mine = Markup('<option value="{}"').format(zone)
        chosen = options.replace(mine, Markup('<option selected value="{}"').format(zone), 1)
        kwargs.setdefault("id", field.id)
        named = Markup(html_params(name=field.name, data_search="a city or country", **kwargs))  # noqa: S704 - it escapes
        return Markup("<select {}>{}</select>").format(named, chosen)


class ZoneField(SelectField):
    """One of the zones people live in, each with its time just now."""

    widget = ZoneSelect()

    def __init__(self, label: str = "Time zone", **kwargs: object) -> None:
        known = only_known(zones(), UNKNOWN_ZONE)
        super().__init__(label, choices=[], validate_choice=False, validators=[known], **kwargs)


def readable(sentence: str) -> Validator:
    """A validator: something was typed and understood, or our sentence instead of the library's."""

    def check(_form: Form, field: Field) -> None:
        if field.data is None:
            field.errors = []
            raise StopValidation(sentence)

    return check


def between(least: int, most: int, sentence: str) -> Validator:
    """A validator: a whole number within these, or the sentence. WTForms' own breaks at one that no float can hold."""

    def check(_form: FlaskForm, field: Field) -> None:
        if not least <= field.data <= most:
            raise ValidationError(sentence)

    check.field_flags = {"min": least, "max": most}  # type: ignore[attr-defined] # WTForms writes them into the input
    return check


def this_century(_form: Form, field: Field) -> None:
    """Refuse days so far off that no clock can count to them."""
    if not 2000 <= field.data.year < 2100:
        raise ValidationError("Choose a day of this century.")


def day_field(label: str, *, optional: bool = False, **kwargs: object) -> DateField:
    """A day that exists, in this century."""
    checks = [readable("Choose a day that exists."), this_century]
    return DateField(label, validators=[Optional(), *checks] if optional else checks, **kwargs)
