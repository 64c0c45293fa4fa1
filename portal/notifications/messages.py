"""The mails that come by the clock: reminders, and the digest of what is on."""

from collections.abc import Sequence
from dataclasses import dataclass

from portal.mail import Message
from portal.mail.bulk import NAME
from portal.meetings.board import Board
from portal.meetings.messages import details
from portal.sentences import ngettext


def reminder(m: Board) -> Message:
    """A meeting to which the recipient said yes begins soon."""
    return Message(
        subject=_begins(m),
        headline=_begins(m),
        body=(
            f"Hello {NAME}, you said yes to {m.title}.",
            "If you cannot come after all, say so on the page, so that somebody else can have your place.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "Go to the page"),
        why="You get this because you said yes to this meeting.",
    )


def reminder_to_answer_again(m: Board) -> Message:
    """A meeting begins soon that was moved too far since the recipient said yes."""
    return Message(
        subject=_begins(m),
        headline=_begins(m),
        body=(
            f"Hello {NAME}, {m.title} was moved after you said yes to it, and your place is kept.",
            "Are you still coming? Tell us on the page, so that somebody else can have your place if you cannot.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "Answer on the page"),
        why="You get this because you said yes to this meeting.",
    )


def reminder_of_offer(m: Board) -> Message:
    """A meeting in which a place is held for the recipient begins soon."""
    return Message(
        subject=_begins(m),
        headline=_begins(m),
        body=(
            f"Hello {NAME}, a place at {m.title} is held for you, and you have not taken it yet.",
            "Take it on the page, or pass it on to the next person in line. Opening this mail decides nothing.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "Decide on the page"),
        why="You get this because a place in this meeting is held for you.",
    )


def _begins(m: Board) -> str:
    return {"Today": f"{m.title} begins today at {m.time}", "Tomorrow": f"{m.title} begins tomorrow at {m.time}"}.get(
        m.day_note, f"{m.title} begins on {m.day_long} at {m.time}"
    )


def starting(m: Board) -> Message:
    """The recipient got access while this runs."""
    return Message(
        subject=f"On now: {m.title}",
        headline=f"{m.title} is on now",
        body=(
            f"Hello {NAME}, {m.title} is on until {m.end} in {m.city}, and you can come in.",
            "Press Join on its page; nothing else is needed.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "Go to the door"),
        why="You get this because your access to the club began while this meeting was on.",
    )


@dataclass(frozen=True)
class DigestEntry:
    """A meeting in the digest: how it is, what is said of it besides (or nothing), and the words of its link."""

    m: Board
    note: str
    label: str


@dataclass(frozen=True)
class DigestPart:
    """Meetings of the digest that ask for the same."""

    heading: str
    entries: Sequence[DigestEntry]


HEADINGS = {"open": "Are you coming?", "coming": "You are coming", "waiting": "You are waiting"}
PARTS = {
    "invited": "open",
    "asked-again": "open",
    "offered": "open",
    "accepted": "coming",
    "waitlisted": "waiting",
    "requested": "waiting",
}
"""In which part of the digest a meeting stands, by the recipient's answer; with another answer it is not in it. `asked-again` is
a yes to a start that was moved too far.
"""


def digest(
    club_name: str, name: str, meetings: Sequence[tuple[Board, str]], *, weekly: bool
) -> tuple[Message, list[DigestPart]]:
    """What is on, from the soonest on, each meeting with the recipient's answer; for a day, or a week (`weekly`)."""
    parts: dict[str, list[DigestEntry]] = {part: [] for part in HEADINGS}
    for m, answer in meetings:
        parts[PARTS[answer]].append(_entry(m, answer))
    first, number = meetings[0][0], len(meetings)
    subject = (
        ngettext(
            "%(club)s: %(num)s meeting in the week ahead",
            "%(club)s: %(num)s meetings in the week ahead",
            number,
            club=club_name,
        )
        if weekly
        else ngettext(
            "%(club)s: %(title)s at %(time)s",
            "%(club)s: %(num)s meetings until tomorrow",
            number,
            club=club_name,
            title=first.title,
            time=first.time,
        )
    )
    message = Message(
        subject=subject,
        headline="What is on in the week ahead" if weekly else "What is on until tomorrow",
        body=(
            f"Hello {name}, this is on at {club_name}. Each link leads to the page of the meeting, where you answer; "
            "opening this mail decides nothing.",
        ),
        why="You get this each Monday. The page of your mails says at which hour."
        if weekly
        else "You get this on days on which something is on. The page of your mails says at which hour.",
    )
    return message, [DigestPart(HEADINGS[part], entries) for part, entries in parts.items() if entries]


def _entry(m: Board, answer: str) -> DigestEntry:
    if answer == "asked-again":
        return DigestEntry(m, "It was moved after you said yes, and your place is kept.", "Answer")
    if answer == "offered":
        return DigestEntry(m, "A place is held for you.", "Decide")
    if answer == "waitlisted":
        return DigestEntry(m, "You are in the line.", "See the meeting")
    if answer == "requested":
        return DigestEntry(m, "You asked for a place.", "See the meeting")
    if answer == "accepted":
        return DigestEntry(m, "", "See the meeting")
    return DigestEntry(m, "Every place is taken; you can join the line." if m.full else "", "Answer")
