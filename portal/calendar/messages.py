"""The mails that put a meeting into a person's calendar, or take it out, when no other mail did."""

from portal.mail import Message
from portal.meetings.board import Board
from portal.meetings.messages import details

WHY = "You get this because you have a place. Under “Mails” of your account you can do without these."
PUTS_RIGHT = "You get this because a mail of ours had put the meeting into your calendar, where it is not up to date."


def confirmed(name: str | None, m: Board, *, puts_right: bool) -> Message:
    """A yes; to who does without calendar mails (`puts_right`) only where an earlier one has to be put right."""
    return Message(
        subject=f"You’re coming: {m.title}",
        headline=f"You’re coming to {m.title}",
        body=(
            f"Hello {name or 'there'}, you have a place. This mail puts the meeting into your calendar.",
            "If you cannot come after all, say so on the page, and somebody else gets your place.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "See the meeting"),
        why=PUTS_RIGHT if puts_right else WHY,
    )


def invited(name: str | None, m: Board) -> Message:
    """An invitation by name that nobody has told of: to a later meeting of a private series."""
    return Message(
        subject=f"You are invited: {m.title}",
        headline=f"You are invited to {m.title}",
        body=(
            f"Hello {name or 'there'}, you are invited. Only invited people can see this meeting.",
            "Tell us on the page whether you are coming. Opening this mail decides nothing.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "See the meeting"),
        why="You get this because you were invited to a private meeting.",
    )


def withdrawn(name: str | None, m: Board, *, said_no: bool, reason: str | None) -> Message:
    """A no was said (`said_no`), or a place is gone, for a `reason` if one is known."""
    return Message(
        subject=f"Removed from your calendar: {m.title}",
        headline="You’re not coming" if said_no else "You have no place any more",
        body=(
            f"Hello {name or 'there'}, you’re not coming to {m.title}."
            if said_no
            else f"Hello {name or 'there'}, you have no place at {m.title} any more.",
            *([reason] if reason else []),
            "This mail takes it out of your calendar.",
        ),
        details=details(m),
        button=("/meetings", "See what else is on"),
        why="You get this because a mail of ours had put the meeting into your calendar.",
    )
