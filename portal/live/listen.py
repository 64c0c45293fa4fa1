"""Hearing of changes: one PostgreSQL connection that listens for everyone."""

import asyncio
import logging
from secrets import randbelow

from psycopg import AsyncConnection
from psycopg.conninfo import conninfo_to_dict

from portal.database.driver import PATIENCE_WITH_NETWORK
from portal.live.stream import Listen, Live

LONGEST_PAUSE = 5.0

logger = logging.getLogger(__name__)


def listener(conninfo: str) -> Listen:
    """What tells `Live` of changed meetings and ended sign-ins, for as long as the process runs.

    `conninfo` must reach PostgreSQL itself: a pgbouncer in transaction mode forgets who listens. A standby announces
    nothing; of several hosts the one that takes changes is listened to, as soon as there is one.
    """

    async def listen(live: Live) -> None:
        pause = 0.1
        while True:
            try:
                async with await _connect(conninfo) as connection:
                    await connection.execute("listen meetings")
                    await connection.execute("listen sign_ins")
                    live.listening(True)
                    pause = 0.1
                    await _pass_on(connection, live)
            except Exception as error:
                logger.warning("Not hearing of changes; trying again: %s", error)
            live.listening(False)
            await asyncio.sleep(pause * (50 + randbelow(100)) / 100)
            pause = min(pause * 2, LONGEST_PAUSE)

    return listen


async def _connect(conninfo: str) -> AsyncConnection:
    params = {**PATIENCE_WITH_NETWORK, **conninfo_to_dict(conninfo), "target_session_attrs": "read-write"}
    return await AsyncConnection.connect(**params, autocommit=True)


async def _pass_on(connection: AsyncConnection, live: Live) -> None:
    async for notice in connection.notifies():
        if notice.channel == "meetings":
            live.changed(notice.payload)
        else:
            live.signed_out(notice.payload)
