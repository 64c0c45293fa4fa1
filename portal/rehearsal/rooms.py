"""A platform that makes rooms nowhere: it says yes to everything and keeps what it was asked for."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from portal import clock
from portal.rooms.platform import HostAddress, Person, Plan, Recording, Registrant, Report, Room

NOWHERE = "https://rooms.rehearsal.test"


class Asked(NamedTuple):
    """One wish to the platform: `what` is made, changed or deleted. Of a deleted room only its name there is known."""

    at: datetime
    what: str
    platform: str
    title: str
    starts_at: datetime | None


class RehearsedPlatform:
    """Zoom or Google Meet as far as the club notices: Zoom gives everybody and the host addresses of their own."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.asked: list[Asked] = []

    def missing(self) -> list[str]:
        """Nothing."""
        return []

    def create(self, plan: Plan) -> Room:
        """A room by the meeting's id, so that asking twice makes one."""
        self.asked.append(Asked(clock.now(), "made", self.name, plan.title, plan.starts_at))
        return Room(f"rehearsal-{plan.meeting_id}", f"{NOWHERE}/{plan.meeting_id}")

    def change(self, provider_id: str, plan: Plan) -> Room:
        """Also of a room that was made before the backup, whose address cannot be read here: it gets another."""
        self.asked.append(Asked(clock.now(), "changed", self.name, plan.title, plan.starts_at))
        return Room(provider_id, f"{NOWHERE}/{plan.meeting_id}")

    def remove(self, provider_id: str) -> None:  # noqa: ARG002 - one is as good as another
        """Gone."""
        self.asked.append(Asked(clock.now(), "deleted", self.name, "", None))

    def host_address(self, provider_id: str) -> HostAddress | None:
        """As long as Zoom's."""
        if self.name != "zoom":
            return None
        return HostAddress(f"{NOWHERE}/host/{provider_id}", clock.now() + timedelta(hours=2))

    def register(self, provider_id: str, people: Sequence[Person]) -> list[Registrant] | None:  # noqa: ARG002
        """An address each, at Zoom."""
        if self.name != "zoom":
            return None
        return [Registrant(who.user_id, f"rehearsal-{who.user_id}", f"{NOWHERE}/{who.user_id}") for who in people]

    def revoke(self, provider_id: str, registrant_id: str) -> None:
        """Taken back."""

    def inside(self, provider_id: str) -> Report | None:  # noqa: ARG002
        """Nobody comes to a rehearsal."""
        return None

    def report(self, provider_id: str) -> Report:  # noqa: ARG002
        """Nobody came."""
        return Report([], is_whole=True)

    def recordings(self, provider_id: str) -> list[Recording]:  # noqa: ARG002
        """Nothing was recorded."""
        return []
