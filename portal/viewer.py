"""Who reads this page, and in which zone."""

from uuid import UUID

from flask import current_app, g
from flask_login import current_user

from portal.times import Viewer


def viewer() -> Viewer:
    """The person's own zone; the club's for a visitor."""
    if "viewer" not in g:
        zone = current_user.timezone if current_user and current_user.is_authenticated else None
        g.viewer = Viewer(zone or current_app.config["SETTINGS"].club_timezone)
    return g.viewer  # type: ignore[no-any-return]


def me() -> UUID:
    """The signed-in person's id."""
    return current_user.id  # type: ignore[no-any-return]
