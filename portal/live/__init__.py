"""Live pages: what changes in a meeting reaches everyone who has it open.

A room announces a change in its own transaction (`announce`), which says only which meeting it was.
The live process (`stream`) hears it (`listen`), has the meeting drawn once per audience (`fragments`)
and hands the same bytes to everyone who looks (`client`), waiting for nobody. A page carries its
reader's ticket (`token`). Small clubs serve pages and streams from one process (`combined`). Losing
an event is harmless: a stream begins with how things stand, and a page without one asks by itself.
"""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.database.query import Command

_NOTIFY = Command(text("select pg_notify(:channel, :id)"))


def announce(db: Session, meeting_id: UUID) -> None:
    """Tell every open page of this meeting that it changed, once the transaction commits."""
    _NOTIFY.do(db, channel="meetings", id=str(meeting_id))
