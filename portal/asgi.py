"""What granian serves: pages and streams on one port for small clubs, or the streams alone beside a WSGI server.

granian --interface asgi --factory portal.asgi:everything     (make run)
granian --interface asgi --factory portal.asgi:streams        (a real server's live process; wsgi.py has the pages)
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from flask import Flask

from portal import clock, create_app
from portal.attendance import drawing
from portal.config import Settings, plain_url
from portal.database import db
from portal.database.identity import Role, act_as
from portal.live.combined import combined
from portal.live.listen import listener
from portal.live.pictures import Drawing, Key
from portal.live.stream import Live
from portal.live.token import Ticket
from portal.meetings.board import Clock
from portal.operations.start import begin
from portal.web import headers

THREADS = 8
NOBODY = Role("none")
"""The web login itself, which may call the few functions the streams need and nothing else."""


def everything() -> Any:
    """Pages and streams from one process."""
    app = begin(create_app())
    return combined(live(app), app, THREADS)


def streams() -> Any:
    """The streams alone."""
    return live(begin(create_app()))


def live(app: Flask) -> Live:
    """The event stream over this app's database and templates."""
    settings: Settings = app.config["SETTINGS"]

    async def render(keys: Sequence[Key]) -> Mapping[Key, Drawing]:
        return await asyncio.to_thread(draw, keys)

    async def check(tickets: Sequence[Ticket]) -> Sequence[bool]:
        return await asyncio.to_thread(may_watch, tickets)

    def draw(keys: Sequence[Key]) -> dict[Key, Drawing]:
        def look(zone: str) -> Clock:
            return Clock(clock.now(), zone, settings.club_timezone, settings.doors_minutes)

        with app.app_context():
            act_as(db.session(), NOBODY)
            drawings = drawing.draw(app, db.session(), keys, look)
            db.session.commit()
            return drawings

    def may_watch(tickets: Sequence[Ticket]) -> list[bool]:
        with app.app_context():
            act_as(db.session(), NOBODY)
            asked = {
                "sign_ins": [ticket.sign_in for ticket in tickets], "meetings": [ticket.meeting for ticket in tickets],
                "names": [ticket.audience.names_shown for ticket in tickets],
            }  # fmt: skip
            answers = list(db.session.scalars(drawing.MAY_WATCH, asked))
            db.session.commit()
            return answers

    return Live(
        secrets=[*settings.secret_key_fallbacks, settings.secret_key],
        listen=listener(plain_url(settings.database_url)),
        render=render,
        check=check,
        now=clock.now,
        headers=headers(settings).items(),
    )
