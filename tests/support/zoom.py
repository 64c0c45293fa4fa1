"""Zoom as tests have it: the stand-in on a port of its own, the settings that lead to it, and meetings to make rooms for."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from portal.config import Settings
from portal.rooms.platform import Person, Plan
from portal.sandbox.zoom import ACCOUNT, CLIENT, SECRET, Server, World

WEBHOOK_SECRET = "the secret token of an event subscription"
STARTS_AT = (datetime.now(UTC) + timedelta(days=1)).replace(hour=18, minute=0, second=0, microsecond=0)


@contextmanager
def zoom_server(hook: str = "", *users: str, tells: bool = False) -> Iterator[Server]:
    """A fresh account at the stand-in; events go to `hook` when told, or by themselves."""
    server = Server(World(hook=hook, secret=WEBHOOK_SECRET, users=users), tells=tells).start()
    server.world.slow_seconds = 0.2
    try:
        yield server
    finally:
        server.stop()


def zoom_settings(url: str, *hosts: str, **changes: object) -> Settings:
    """The settings of a club whose Zoom is at `url`."""
    known = {
        "zoom_account": ACCOUNT,
        "zoom_client": CLIENT,
        "zoom_secret": SECRET,
        "zoom_webhook_secret": WEBHOOK_SECRET,
        "zoom_hosts": hosts,
        "zoom_url": url,
    }
    return Settings(**{**known, **changes})  # type: ignore[arg-type]


def plan(title: str = "Supper", **changes: object) -> Plan:
    """Tomorrow at nine in Istanbul, for an hour."""
    usual = Plan(uuid4(), title, STARTS_AT, 60, "Europe/Istanbul", False)
    return usual._replace(**changes)  # type: ignore[arg-type]


def people(*names: str) -> list[Person]:
    """Somebody for each name."""
    return [Person(UUID(int=n), f"{name.lower()}@club.example", name, "") for n, name in enumerate(names, 1)]


def carry_to(client: object) -> object:
    """Carries what the stand-in tells to a test client, as a request of Zoom's."""

    def send(body: str, headers: dict[str, str]) -> int:
        answer = client.post("/webhooks/zoom", input_stream=io.BytesIO(body.encode()), headers=headers)  # type: ignore[attr-defined]
        return int(answer.status_code)

    return send
