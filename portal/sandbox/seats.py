"""Seats in the stand-ins' rooms, taken and left as a browser that followed Join takes and leaves one."""

from typing import NamedTuple
from urllib.parse import urlsplit
from uuid import UUID

import requests
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal.config import Settings
from portal.database.rows import typed
from portal.sandbox.meet import account

TIMEOUT = (3, 10)


class Seat(NamedTuple):
    """Somebody of the demo and the room of a meeting; `session` names their open stay there, None if there is none."""

    platform: str
    provider_id: str
    registrant_id: str | None
    name: str
    email: str
    session: str | None


SEAT = text("""
select r.made_by as platform, m.meeting_id as provider_id, g.registrant_id,
       concat_ws(' ', u.first_name, u.last_name) as name, u.email, p.session
  from meetings m join rooms r on r.meeting_id = m.id join users u on u.id = :person
  left join room_registrants g on g.meeting_id = m.id and g.user_id = u.id and g.revoked_at is null
  left join lateral (select session from presences p where p.meeting_id = m.id and p.user_id = u.id and p.left_at is null
                        and p.source in ('event', 'poll') order by joined_at desc limit 1) p on true
 where m.id = :meeting and m.meeting_id is not null
""")


def of(db: Session, meeting_id: UUID, person_id: UUID) -> Seat | None:
    """The person's seat in the room of a meeting, as the worker; None for a room behind a typed link."""
    found = typed(Seat, db.execute(SEAT, {"meeting": meeting_id, "person": person_id}))
    return found[0] if found else None


def take(settings: Settings, seat: Seat, address: str) -> None:
    """Go in by the address that Join gave. Raises requests.RequestException."""
    if seat.platform == "zoom":
        by = {"registrant": seat.registrant_id} if seat.registrant_id else {"account": seat.email}
        _tell(f"{settings.zoom_url}/_seat", json={"meeting": seat.provider_id, "name": seat.name, **by})
    else:
        code = urlsplit(address).path.strip("/")
        _tell(
            f"{settings.google_url}/_seat",
            data={"code": code, "name": seat.name, "user": account(seat.email, seat.name).user},
        )


def leave(settings: Settings, seat: Seat) -> None:
    """Leave the room. Raises requests.RequestException."""
    if seat.platform == "zoom":
        _tell(f"{settings.zoom_url}/_leave", json={"participant_uuid": seat.session})
    else:
        _tell(f"{settings.google_url}/_leave", data={"session": seat.session})


def _tell(url: str, **body: object) -> None:
    requests.post(url, timeout=TIMEOUT, **body).raise_for_status()  # type: ignore[arg-type]  # json or data
