"""The mails about a meeting. They carry the portal's address, never the room's."""

from portal.mail import Message
from portal.meetings.board import Board


def details(m: Board) -> list[tuple[str, str]]:
    """When, for the reader and for the club; how long; who hosts."""
    lines = [("Your time", f"{m.date_long}, {m.time} in {m.city}")]
    if not m.same_zone:
        lines.append(("Club time", f"{m.club_date_long}, {m.club_time} in {m.club_city}"))
    lines.append(("Length", f"{m.minutes} minutes"))
    return [*lines, ("Host", m.host)] if m.host else lines


def cancelled(name: str | None, m: Board) -> Message:
    """It does not take place."""
    return Message(
        subject=f"Cancelled: {m.title}",
        headline=f"{m.title} is cancelled",
        body=(f"Hello {name or 'there'}, this meeting will not take place: {m.cancel_reason}",),
        details=details(m),
        button=("/meetings", "See what else is on"),
        why="You get this because you had a place, were in the line or had asked for a place.",
    )


def moved(name: str | None, m: Board) -> Message:
    """It is at another time; the place is kept."""
    return Message(
        subject=f"New time: {m.title}",
        headline=f"{m.title} has a new time",
        body=(
            f"Hello {name or 'there'}, the meeting was moved. Your answer is kept; change it if the new time does not suit.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "See the meeting"),
        why="You get this because you have a place, are in the line or have asked for a place.",
    )


def reinstated(name: str | None, m: Board) -> Message:
    """It takes place after all; the place is kept."""
    return Message(
        subject=f"Taking place after all: {m.title}",
        headline=f"{m.title} takes place after all",
        body=(
            f"Hello {name or 'there'}, the meeting that was cancelled takes place after all.",
            "Your answer is kept; change it if you cannot come.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "See the meeting"),
        why="You get this because you have a place, are in the line or have asked for a place.",
    )
