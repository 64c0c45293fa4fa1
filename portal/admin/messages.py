"""Messages to members: to all, or to those whose access ends soon."""

from flask import Blueprint
from flask.typing import ResponseReturnValue

from portal.access import admin
from portal.database import db
from portal.notifications import announcements, composing
from portal.notifications.announcement_forms import ClubForm


def add_to(bp: Blueprint) -> None:
    """Routes of this subject."""
    bp.add_url_rule("/messages", "messages", messages)
    bp.add_url_rule("/messages", "write_message", write, methods=["POST"])


@admin
def messages() -> ResponseReturnValue:
    """The form, and what was written before."""
    return composing.form_page(ClubForm(None), announcements.OF_CLUB.all(db.session()), None)


@admin
def write() -> ResponseReturnValue:
    """Look at a message, try it, send it."""
    return composing.compose(ClubForm(), announcements.OF_CLUB.all(db.session()), None)
