"""The field in which a link is typed. What is set is never shown again."""

from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from wtforms import BooleanField, Field, ValidationError

from portal.config import Settings
from portal.forms import Form, Line
from portal.problems import Refused
from portal.rooms.link import MOST, checked


def a_link(_form: Form, field: Field) -> None:
    """A validator: nothing, or an https address of somebody else's, kept as it was typed."""
    if field.data:
        try:
            field.data = checked(field.data, urlsplit(current_app.config["SETTINGS"].public_url).hostname or "")
        except Refused as refusal:
            raise ValidationError(refusal.sentence) from refusal


class LinkLine(Line):
    """A link to a room. Left empty, what is set stays."""

    def __init__(self, label: str = "Link to the room", **kwargs: Any) -> None:
        super().__init__(label, most=MOST, **kwargs)
        self.validators: list[object] = [*(self.validators or ()), a_link]


class LinkForm(Form):
    """Where a meeting takes place."""

    link = LinkLine()
    remove_link = BooleanField("Remove the link that is set")


def link_hint(settings: Settings, *, is_set: bool) -> str:
    """What to say at the field: whether a link is set, and where one is needed."""
    if is_set:
        return "A link is set, and is shown to nobody. Type another to replace it, or leave this empty to keep it."
    return {
        (
            True,
            True,
        ): "An https:// address; it is shown to nobody. Leave it empty and the room on Zoom or Google Meet is made"
        " by itself.",
        (
            True,
            False,
        ): "An https:// address; it is shown to nobody. A room on Zoom is made by itself if this is empty, one on"
        " Google Meet is not.",
        (
            False,
            True,
        ): "An https:// address; it is shown to nobody. A room on Google Meet is made by itself if this is empty,"
        " one on Zoom is not.",
        (
            False,
            False,
        ): "An https:// address; it is shown to nobody. The portal is connected to neither Zoom nor Google Meet,"
        " so nobody can join without it.",
    }[settings.has_zoom, settings.has_google]
