"""The mails about a place."""

from datetime import datetime

from portal.mail import Message
from portal.meetings.board import Board
from portal.meetings.messages import details
from portal.rsvp_states import MAILED
from portal.sentences import ngettext


def offer(name: str | None, m: Board, until: datetime, *, together: bool) -> Message:
    """A place came free; `until` is on the recipient's own clock. `together`: it is one of several for a family."""
    return Message(
        subject=f"A place is yours: {m.title}",
        headline="A place is yours",
        body=(
            f"Hello {name or 'there'}, a place at {m.title} came free and is held for you until "
            f"{until:%H:%M} in {m.city} on {until:%A}.",
            "It is one offer for everybody of your family who waits with you: whoever takes it takes it for everybody. "
            "If you pass it on, you do so for yourself alone. Opening this mail decides nothing."
            if together
            else "Take it, or pass it on to the next person in line. Opening this mail decides nothing.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "Decide on the page"),
        why="You get this because you joined the line for this meeting.",
    )


def together(name: str | None, m: Board, by: str, answer: str) -> Message:
    """Somebody of the family answered for the recipient, who had allowed it."""
    mailed = MAILED.get(answer, MAILED["offered"])
    return Message(
        subject=mailed.subject.format(meeting=m.title),
        headline=mailed.headline,
        body=(
            f"Hello {name or 'there'}, {by} said yes to {m.title} for all of you.",
            "If that does not suit you, change your answer on the page; it changes nobody else’s.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "See the meeting"),
        why="You get this because you let your family answer for you; the family page has the switch.",
    )


def decision(name: str | None, m: Board, answer: str, reason: str | None) -> Message:
    """The answer to a request."""
    mailed = MAILED.get(answer, MAILED["rejected"])
    return Message(
        subject=mailed.subject.format(meeting=m.title),
        headline=mailed.headline,
        body=(mailed.decision.format(name=name or "there", meeting=m.title), *([reason] if reason else [])),
        details=details(m),
        button=(f"/meetings/{m.id}", "See the meeting"),
        why="You get this because you asked for a place.",
    )


def invited(name: str | None, m: Board, by: str, repeats: str) -> Message:
    """To a private meeting; `repeats` if also to the later ones of its series."""
    return Message(
        subject=f"You are invited: {m.title}",
        headline=f"You are invited to {m.title}",
        body=(
            f"Hello {name or 'there'}, {by} invites you. Only invited people can see this meeting.",
            *([f"You are also invited to the later meetings of its series: {repeats}."] if repeats else []),
            "Tell us on the page whether you are coming. Opening this mail decides nothing.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "See the meeting"),
        why="You get this because you were invited to a private meeting.",
    )


def taken_back(name: str | None, title: str) -> Message:
    """The invitation is gone, and with it the page it led to."""
    return Message(
        subject=f"No longer invited: {title}",
        headline="Your invitation was withdrawn",
        body=(f"Hello {name or 'there'}, you are no longer invited to {title} and can no longer see its page.",),
        button=("/meetings", "See what else is on"),
        why="You get this because you had been invited to a private meeting.",
    )


def requested(name: str | None, m: Board, people: int) -> Message:
    """For the host: somebody waits for a word."""
    return Message(
        subject=ngettext(
            "%(num)s person asks to join %(meeting)s", "%(num)s people ask to join %(meeting)s", people, meeting=m.title
        ),
        headline=ngettext("%(num)s person asks to join", "%(num)s people ask to join", people),
        body=(
            ngettext(
                "Hello %(name)s, %(num)s person asks for a place at %(meeting)s. We write to them as soon as you answer.",
                "Hello %(name)s, %(num)s people ask for a place at %(meeting)s. We write to them as soon as you answer.",
                people,
                name=name or "there",
                meeting=m.title,
            ),
            "We send you no further mail about it until these are answered.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}/requests", "Answer them"),
        why="You get this because you host this meeting and approve each person.",
    )


def recorded(name: str | None, m: Board) -> Message:
    """For the host: the platform has a recording. The mail does not say where."""
    return Message(
        subject=f"A recording of {m.title} is ready",
        headline="A recording is ready",
        body=(
            f"Hello {name or 'there'}, {m.title} was recorded. Nobody sees the recording until you publish it.",
            "You can add notes on the same page, with links to whatever you like.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}/notes", "Look at the recording"),
        why="You get this because you hosted this meeting.",
    )


def afterwards(name: str | None, m: Board, *, has_notes: bool) -> Message:
    """To who came: the host left notes, or (`has_notes` False) a recording alone."""
    who = name or "there"
    return Message(
        subject=f"The notes of {m.title} are ready" if has_notes else f"The recording of {m.title} is ready",
        headline="The notes are ready" if has_notes else "The recording is ready",
        body=(
            f"Hello {who}, you came to {m.title}. The host’s notes are on its page now."
            if has_notes
            else f"Hello {who}, you came to {m.title}. The recording is on its page now.",
            "We send you no further mail about it, even if more is added later.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}#from-the-host", "Go to the page"),
        why="You get this because you came to this meeting.",
    )


def missing(name: str | None, m: Board) -> Message:
    """The meeting is running, the recipient said yes and is not there; the host pressed a button for it."""
    return Message(
        subject=f"We miss you: {m.title}",
        headline=f"{m.title} is running",
        body=(
            f"Hello {name or 'there'}, you said yes to {m.title}, which began at {m.time} in {m.city}. "
            "The others are there, and the door is open until the end.",
            "If you cannot come, you need not do anything.",
        ),
        details=details(m),
        button=(f"/meetings/{m.id}", "Go to the door"),
        why="You get this because you said yes to this meeting and the host asked us to remind you.",
    )
