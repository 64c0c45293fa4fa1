"""The mails about a room. None of them has its address."""

from portal.mail import Message
from portal.meetings.board import Board
from portal.meetings.messages import details


def failed(name: str | None, m: Board, sentence: str, *, hosts: bool) -> Message:
    """The room could not be made; `sentence` says why. `hosts`: the recipient leads the meeting, else is an admin."""
    return Message(
        subject=f"No room yet: {m.title}",
        headline="The room could not be made",
        body=(
            f"Hello {name or 'there'}, the room of {m.title} could not be made on {m.room}: {sentence}",
            "You can have it made again, or type the link of another room. Everybody who waits on the meeting’s page is let"
            " in as soon as there is one.",
            "We send you no further mail about it until the room is ready.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}/room", "See to the room"),
        why="You get this because you host this meeting." if hosts else "You get this because you are an admin.",
    )
