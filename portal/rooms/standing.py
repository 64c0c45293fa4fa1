"""How the room of a meeting stands, in words for its host and for admins. Its address is not among them."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from sqlalchemy.orm import Session

from portal import clock
from portal.rooms import queries
from portal.rooms.platforms import NAMES, makes_rooms
from portal.rooms.queries import RoomRow
from portal.viewer import viewer


class RoomStanding(NamedTuple):
    """What a page says: disc, word and tone, what it means, why there is no room, and what can be done."""

    disc: tuple[str, str, str]
    meaning: str
    failure: str
    has_link: bool
    can_retry: bool


def room_standing(db: Session, meeting_id: UUID) -> RoomStanding:
    """How the room of a meeting stands; for its host or an admin, who has found the meeting already."""
    row = queries.ONE.one(db, meeting=meeting_id)
    has_link = row.made_by == "link"
    disc, meaning = _state(row, made_by_itself=makes_rooms(current_app.config["SETTINGS"], row.platform))
    return RoomStanding(
        disc,
        meaning,
        failure=row.failure or "",
        has_link=has_link,
        can_retry=row.made_by is not None and not has_link and row.ends_at > clock.now(),
    )


def _state(row: RoomRow, *, made_by_itself: bool) -> tuple[tuple[str, str, str], str]:
    name = NAMES.get(row.platform, "")
    if row.provision_state == "ready" and row.failure:
        return ("quarter", "The room could not be changed", "amber"), f"It is still as it was before. {_next_try(row)}"
    if row.provision_state == "ready" and row.made_by in NAMES:
        return ("full", "The room is ready", "ok"), f"It was made on {NAMES[row.made_by]}."
    if row.provision_state == "ready":
        return ("full", "A link is set", "ok"), "Join leads there. The link itself is shown to nobody."
    if row.provision_state == "requested":
        return ("quarter", "The room is being made", "amber"), f"{name} has been asked for it."
    if row.provision_state == "failed":
        return ("cross", "The room could not be made", "bad"), _next_try(row)
    if row.provision_state == "gone" and made_by_itself:
        return ("quarter", "The room is gone", "amber"), f"It was deleted on {name}. Another is made within a minute."
    if made_by_itself:
        state = "ring", "No room yet", ""
        return state, f"It is made on {name} automatically, not earlier than a day before the start."
    return ("quarter", "No link is set", "amber"), "Nobody can join until there is one."


def _next_try(row: RoomRow) -> str:
    if row.next_try_at is None or row.next_try_at >= row.ends_at:
        return "It is not tried again automatically."
    here: datetime = row.next_try_at.astimezone(viewer().tz)
    return f"The next try is at {here:%H:%M}."
