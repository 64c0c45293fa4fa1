"""A platform as the outside: its rooms live in memory, and it may fail, be slow, or lose one. And evenings at it."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from portal import clock
from portal.rooms.jobs import tend
from portal.rooms.platform import HostAddress, Person, Plan, ProviderError, Registrant, Room, RoomGoneError
from portal.rooms.sealing import unseal
from tests.admin.conftest import desk, given  # noqa: F401 - fixtures
from tests.support.cast import ROOM_KEY
from tests.support.reading import do, one, plan

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


class Outside:
    """A platform in memory that implements the public interface. `troubles` are raised one after the other."""

    name = "zoom"

    def __init__(self) -> None:
        self.rooms: dict[str, Plan] = {}
        self.registrants: dict[str, Person] = {}
        self.calls: list[str] = []
        self.troubles: list[ProviderError] = []
        self.has_registrants = True
        self.refused: list[str] = []  # first names
        self.while_asked = lambda: None

    def _asked(self, call: str) -> None:
        self.calls.append(call)
        if self.troubles:
            raise self.troubles.pop(0)

    def missing(self) -> list[str]:
        return []

    def create(self, plan: Plan) -> Room:
        self._asked("create")
        known = next((number for number, other in self.rooms.items() if other.meeting_id == plan.meeting_id), None)
        number = known or str(900 + self.calls.count("create"))
        self.rooms[number] = plan
        self.while_asked()
        return Room(number, f"https://meet.example.test/{number}")

    def change(self, provider_id: str, plan: Plan) -> Room:
        self._asked("change")
        if provider_id not in self.rooms:
            raise RoomGoneError
        self.rooms[provider_id] = plan
        return Room(provider_id, f"https://meet.example.test/{provider_id}")

    def remove(self, provider_id: str) -> None:
        self._asked("remove")
        self.rooms.pop(provider_id, None)

    def host_address(self, provider_id: str) -> HostAddress:
        self._asked("host_address")
        self.while_asked()
        return HostAddress(f"https://meet.example.test/{provider_id}/host", clock.now() + 2 * HOUR)

    def register(self, provider_id: str, people: Sequence[Person]) -> list[Registrant] | None:
        self._asked("register")
        if provider_id not in self.rooms:
            raise RoomGoneError
        self.while_asked()
        if not self.has_registrants:
            return None
        people = [person for person in people if person.first_name not in self.refused]
        self.registrants |= {f"r{person.user_id}": person for person in people}
        return [
            Registrant(p.user_id, f"r{p.user_id}", f"https://meet.example.test/{provider_id}/{p.first_name}")
            for p in people
        ]

    def revoke(self, provider_id: str, registrant_id: str) -> None:
        self._asked("revoke")
        del self.registrants[registrant_id]


@pytest.fixture
def outside(worker_app):
    """The platform the worker makes rooms at."""
    platform = Outside()
    worker_app.extensions["platforms"] = {"zoom": platform}
    yield platform
    del worker_app.extensions["platforms"]


@pytest.fixture
def evening(superuser, people):
    """An evening on Zoom in two days, without a room yet, with Alice as its host."""
    return plan(
        superuser, "Supper", days=2, platform="zoom", host_id=people[0].id, meeting_link=None, provision_state="none"
    )


@pytest.fixture
def tended(worker_app, evening, outside):
    """`tended(-60)`: what the worker does about rooms each minute, so many minutes from the start."""
    return lambda minutes: do(worker_app, tend, evening.starts_at + minutes * MINUTE)


@pytest.fixture
def state(superuser, evening):
    """`state()`: what is known of the evening's room."""

    def read() -> str:
        return str(one(superuser, "select provision_state from meetings where id = %s", evening.id))

    return read


@pytest.fixture
def enter(sign_in, evening):
    """`enter(charlie, 5)`: Join pressed, so many minutes after the start."""
    browsers = {}

    def press(person, minutes=0):
        browser = browsers.setdefault(person, sign_in(person))
        with clock.at(evening.starts_at + minutes * MINUTE):
            return browser.submit(f"/meetings/{evening.id}/join")

    return press


def opened(sealed: str) -> str | None:
    return unseal(sealed, ROOM_KEY)
