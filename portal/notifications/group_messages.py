"""The mails of a message to a group. What a member typed begins none of them and stands in no subject."""

from collections.abc import Sequence
from typing import NamedTuple

from portal.mail import Message
from portal.meetings.board import Board
from portal.meetings.messages import details


class Audience(NamedTuple):
    """A group: how the form calls it, and why somebody in it is written to, by a host and by an admin."""

    label: str
    why_host: str
    why_admin: str


AUDIENCES = {
    "coming": Audience(
        "Everybody who is coming",
        "You get this because you said yes to this meeting, and its host writes to everybody who is coming.",
        "You get this because you said yes to this meeting.",
    ),
    "waiting": Audience(
        "Everybody who waits for a place",
        "You get this because you wait for a place at this meeting, and its host writes to everybody who does.",
        "You get this because you wait for a place at this meeting.",
    ),
    "unanswered": Audience(
        "Everybody who is invited and has not answered",
        "You get this because you are invited to this meeting and have not answered, and its host writes to everybody who"
        " has not.",
        "You get this because you are invited to this meeting and have not answered.",
    ),
    "members": Audience("All members", "", "You get this because you are a member of the club."),
    "ending": Audience(
        "Members whose access ends soon", "", "You get this because your access to the club ends before long."
    ),
}
"""By their names in the database."""

OF_A_MEETING = ("coming", "waiting", "unanswered")
OF_THE_CLUB = ("members", "ending")


def from_host(name: str | None, m: Board, audience: str, writer: str, paragraphs: Sequence[str]) -> Message:
    """The host of a meeting writes to those who are coming, wait or are invited."""
    return Message(
        subject=f"A message from your host: {m.title}",
        headline="A message from your host",
        body=(f"Hello {name or 'there'}, {writer} hosts {m.title} and writes:", *paragraphs),
        details=details(m),
        button=(f"/meetings/{m.id}", "See the meeting"),
        why=AUDIENCES[audience].why_host,
    )


def from_admin(
    name: str | None, m: Board | None, audience: str, writer: str, club: str, subject: str, paragraphs: Sequence[str]
) -> Message:
    """An admin writes for the club: to the people of a meeting, or (`m` None) to its members."""
    return Message(
        subject=subject,
        headline=subject,
        body=(f"Hello {name or 'there'}, {writer} writes to you for {club}:", *paragraphs),
        details=details(m) if m else (),
        button=(f"/meetings/{m.id}", "See the meeting") if m else None,
        why=AUDIENCES[audience].why_admin,
    )
