"""What granian serves: pages and streams on one port for small clubs, or the streams alone beside a WSGI server.

granian --interface asgi --factory portal.asgi:everything     (make run)
granian --interface asgi --factory portal.asgi:streams        (a real server's live process; wsgi.py has the pages)
"""

import asyncio
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from flask import Flask

from portal import clock, create_app
from portal.attendance import live_board
from portal.config import Settings
from portal.database.identity import Role
from portal.database.transactions import transaction
from portal.headers import headers
from portal.live.cached_fragments import Key, RenderedFragment
from portal.live.combined import combined
from portal.live.listen import listener
from portal.live.stream import Live
from portal.live.token import Ticket
from portal.meetings.board import Clock
from portal.operations.maintenance import Switch
from portal.operations.start import begin, problems_reported, refuse_deaf
from portal.setting_values import plain_url

THREADS = 8
"""How many pages are answered at once beside the streams of one process."""

LIVE_THREADS = 2
"""How many at once draw for the streams and ask whether a ticket still holds."""

NOBODY = Role("none")
"""The web login itself, which may call the few functions the streams need and nothing else."""


def everything() -> object:
    """Pages and streams from one process."""
    app = _begun(threads=THREADS)
    return combined(live(app), app, THREADS)


def streams() -> object:
    """The streams alone."""
    return live(_begun(threads=0))


def _begun(threads: int) -> Flask:
    with problems_reported():
        app = begin(create_app(threads=threads, beside=LIVE_THREADS))
        settings: Settings = app.config["SETTINGS"]
        refuse_deaf(plain_url(settings.live_url or settings.database_url), "LIVE_DATABASE_URL")
    return app


def live(app: Flask) -> Live:
    """The event stream over this app's database and templates."""
    settings: Settings = app.config["SETTINGS"]
    threads = ThreadPoolExecutor(LIVE_THREADS, "live")
    maintenance = Switch(settings.maintenance_file)

    async def render(keys: Sequence[Key]) -> Mapping[Key, RenderedFragment]:
        return await asyncio.get_running_loop().run_in_executor(threads, draw, keys)

    async def check(tickets: Sequence[Ticket]) -> Sequence[bool]:
        return await asyncio.get_running_loop().run_in_executor(threads, may_watch, tickets)

    def draw(keys: Sequence[Key]) -> dict[Key, RenderedFragment]:
        def clock_in(zone: str) -> Clock:
            of_now: Settings = app.config["SETTINGS"]  # an admin may have changed the club's hours
            return Clock(clock.now(), zone, of_now.club_timezone, of_now.doors_minutes)

        with transaction(app, NOBODY) as session:
            return live_board.render_fragments(app, session, keys, clock_in)

    def may_watch(tickets: Sequence[Ticket]) -> list[bool]:
        with transaction(app, NOBODY) as session:
            params = {
                "sign_ins": [ticket.sign_in for ticket in tickets],
                "meetings": [ticket.meeting for ticket in tickets],
                "names": [ticket.audience.names_shown for ticket in tickets],
            }
            return list(session.scalars(live_board.MAY_WATCH, params))

    return Live(
        secrets=[*settings.secret_key_fallbacks, settings.secret_key],
        listen=listener(plain_url(settings.live_url or settings.database_url)),
        render=render,
        check=check,
        now=clock.now,
        headers=headers(settings).items(),
        metrics_token=settings.metrics_token,
        in_maintenance=lambda: maintenance.state() is not None,
    )
