"""The mails that answer what a calendar sent: to the address of the account, once a day at most."""

from portal.mail import Message
from portal.meetings.board import Board
from portal.meetings.messages import details
from portal.rsvp_states import MAILED

WHY = "You get this because your calendar sent us an answer. We write about such answers once a day at most."


def refused(name: str | None, m: Board, sentence: str) -> Message:
    """An answer that could not be taken, and why."""
    return _about(
        m,
        f"Your answer was not taken: {m.title}",
        "Your answer was not taken",
        f"Hello {name or 'there'}, you answered {m.title} from your calendar. {sentence}",
        "Nothing has changed here. The page shows how it stands, whatever your calendar shows.",
    )


def became(name: str | None, m: Board, answer: str) -> Message | None:
    """A yes that did not give a place; None if it became what it said."""
    if answer == "waitlisted":
        return _about(
            m,
            MAILED["waitlisted"].subject.format(meeting=m.title),
            MAILED["waitlisted"].headline,
            f"Hello {name or 'there'}, you said yes to {m.title} from your calendar, but every place is taken.",
            "You are in the line. We write to you the moment a place opens.",
        )
    if answer == "requested":
        return _about(
            m,
            f"You asked for a place: {m.title}",
            "You asked for a place",
            f"Hello {name or 'there'}, you said yes to {m.title} from your calendar. The host approves each person.",
            "We write to you as soon as the host has answered.",
        )
    return None


def maybe(name: str | None, m: Board) -> Message:
    """A calendar said TENTATIVE, which the club does not know."""
    return _about(
        m,
        f"Yes or no? {m.title}",
        "Maybe is not an answer here",
        f"Hello {name or 'there'}, your calendar answered {m.title} with “maybe”.",
        "The club knows yes and no only, so nothing has changed here. You can answer on the page at any time before the end.",
    )


def not_understood(name: str | None, m: Board) -> Message:
    """A proposal of another time, or something else that no calendar can ask of the club."""
    return _about(
        m,
        f"Your calendar asked for something: {m.title}",
        "A calendar can only say yes or no",
        f"Hello {name or 'there'}, your calendar sent us a message about {m.title} that is not an answer, "
        "perhaps a proposal of another time.",
        "Meetings are planned by their hosts, so nothing has changed here. The page shows the meeting and who hosts it.",
    )


def _about(m: Board, subject: str, headline: str, *body: str) -> Message:
    return Message(
        subject=subject,
        headline=headline,
        body=body,
        details=details(m),
        button=(f"/meetings/{m.id}", "See the meeting"),
        why=WHY,
    )
