"""The mails about a meeting. They carry the portal's address, never the room's."""

from portal.mail import Message
from portal.meetings.board import Board

CONCERNED = "You get this because you have a place, are in the line, have asked for a place or were invited by name."


def details(m: Board) -> list[tuple[str, str]]:
    """When, for the recipient and for the club; how long; who hosts."""
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
        why="You get this because you had a place, were in the line, had asked for a place or were invited by name.",
    )


def moved(name: str | None, m: Board, *, asks_again: bool) -> Message:
    """It is at another time; the place is kept. `asks_again`: the recipient said yes to a time that is far from the new one."""
    return Message(
        subject=f"New time, please answer again: {m.title}" if asks_again else f"New time: {m.title}",
        headline=f"{m.title} has a new time",
        body=(
            f"Hello {name or 'there'}, the meeting was moved by more than two hours or to another day. Please answer again; "
            "your place is kept until you do."
            if asks_again
            else f"Hello {name or 'there'}, the meeting was moved. Your answer is kept; change it if the new time does not suit.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "Answer on the page" if asks_again else "See the meeting"),
        why=CONCERNED,
    )


def changed(name: str | None, m: Board) -> Message:
    """Its title or host is another; the time stays."""
    return Message(
        subject=f"Changed: {m.title}",
        headline=f"{m.title} was changed",
        body=(
            f"Hello {name or 'there'}, the title or the host is another now; the time stays as it was. Your answer is kept.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "See the meeting"),
        why=CONCERNED,
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
        why=CONCERNED,
    )
