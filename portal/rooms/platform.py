"""What the portal asks of a platform, whichever it is. Only the worker does; nothing here touches the database."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol
from uuid import UUID


class ProviderError(Exception):
    """The platform did not do it. `sentence` says why, to a host or admin who may mend it.

    `again` is whether another try may help; `after` how long the platform wants to be left alone (None: as we like).
    """

    def __init__(self, sentence: str, *, again: bool = True, after: timedelta | None = None) -> None:
        super().__init__(sentence)
        self.sentence, self.again, self.after = sentence, again, after


class RoomGoneError(ProviderError):
    """There is no such room there (any more): somebody deleted it by hand."""

    def __init__(self) -> None:
        super().__init__("The room was deleted at the platform.")


class Plan(NamedTuple):
    """The meeting a room is for. `starts_at` is aware; `timezone` an IANA name, in which hosts read it there."""

    meeting_id: UUID
    title: str
    starts_at: datetime
    minutes: int
    timezone: str
    is_private: bool


class Room(NamedTuple):
    """A room as the platform made it: its name there, and what a browser is sent to."""

    provider_id: str
    address: str


class HostAddress(NamedTuple):
    """What the host's browser is sent to, and until when the platform takes it; None: as long as there is the room."""

    address: str
    until: datetime | None


class Person(NamedTuple):
    """Somebody who gets an address of their own."""

    user_id: UUID
    email: str
    first_name: str
    last_name: str


class Registrant(NamedTuple):
    """A person's own address into a room."""

    user_id: UUID
    registrant_id: str
    address: str


class Participant(NamedTuple):
    """Somebody in a room, as the platform knows them.

    `identity` stays the same for a person in one room as far as the platform can tell, over leaving and coming back.
    `registrant` is the id from `register`, `account` the platform's id of a signed-in account (the same in every room),
    `email` the address of that account; each None where the platform does not say.
    """

    identity: str
    name: str
    registrant: str | None = None
    account: str | None = None
    email: str | None = None
    is_host: bool = False
    """Came in by the host's own address: whoever hosts the meeting here, whatever the account's name there."""


class Sighting(NamedTuple):
    """One stay, or what is known of it so far: `session` names it within participant and source. Times are aware; `left_at`
    None: still inside, or not told. An event of leaving knows no `joined_at`.
    """

    participant: Participant
    session: str
    joined_at: datetime | None
    left_at: datetime | None
    device: str = "unknown"
    """desktop, mobile, tablet or unknown"""


class Recording(NamedTuple):
    """Something the platform recorded: `kind` in its words, an address for the host's eyes."""

    recording_id: str
    kind: str
    address: str


class Report(NamedTuple):
    """Who was in a room. `is_whole`: the platform will not add to it."""

    sightings: Sequence[Sighting]
    is_whole: bool
    started_at: datetime | None = None
    ended_at: datetime | None = None


class RoomEvent(NamedTuple):
    """What one signed message says: kind is started, ended, joined, left, deleted, recorded, or other (ignored)."""

    event_id: str
    kind: str
    provider_id: str
    occurred_at: datetime
    sighting: Sighting | None = None
    recordings: Sequence[Recording] = ()


class Platform(Protocol):
    """One way to have rooms. Every method but `name` speaks to the network and may raise ProviderError."""

    name: str
    """zoom or google-meet, as in meetings.platform"""

    def missing(self) -> list[str]:
        """What keeps this from working (credentials, scopes, an app that is not activated), a sentence each; tries it."""

    def create(self, plan: Plan) -> Room:
        """Make the room. Safe to repeat after a try whose outcome is unknown: it finds the room it made for this meeting."""

    def change(self, provider_id: str, plan: Plan) -> Room:
        """Bring the room to the plan. Raises RoomGoneError."""

    def remove(self, provider_id: str) -> None:
        """Delete the room; one that is gone already is no error."""

    def host_address(self, provider_id: str) -> HostAddress | None:
        """The host's own way in; None where the platform has none and the host takes everybody's."""

    def register(self, provider_id: str, people: Sequence[Person]) -> list[Registrant] | None:
        """Personal addresses, for those of these people who get one; None where the platform (or the account's plan) has
        none. The platform mails nobody.
        """

    def revoke(self, provider_id: str, registrant_id: str) -> None:
        """Take a personal address back, as far as the platform can."""

    def inside(self, provider_id: str) -> Report | None:
        """Who is and was inside while it runs, for a platform that is asked; None for one that tells by events."""

    def report(self, provider_id: str) -> Report:
        """Who was inside, after the end. `is_whole` False: ask again later."""

    def recordings(self, provider_id: str) -> list[Recording]:
        """What was recorded."""
