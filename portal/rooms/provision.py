"""Rooms at a platform: made, changed, made anew, deleted, and opened to each person. For the worker, as nobody.

The platform is asked with nothing held: what is to be done is claimed and committed first, and what came of it is kept in
a transaction of its own. A worker that dies in between leaves a claim that runs out, and asks again; `Platform.create`
finds the room it made before.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from uuid import UUID

from flask import current_app
from sqlalchemy.orm import Session

from portal import audit, clock, live
from portal.database.transactions import keep, let_go
from portal.meetings.board import HOST_EARLIER
from portal.rooms import queries
from portal.rooms.platform import Person, Plan, Platform, ProviderError, Room, RoomGoneError
from portal.rooms.platforms import platforms
from portal.rooms.queries import Claim, Standing
from portal.rooms.sealing import seal
from portal.rooms.telling import tell_of_failure

HORIZON = timedelta(hours=24)
"""So long before the start a room is made."""
CLAIM_FOR = timedelta(minutes=3)
"""So long nobody else asks for the same room; longer than any platform is waited for."""
BACK_OFF = tuple(timedelta(minutes=minutes) for minutes in (1, 2, 4, 8, 15))
HOST_AHEAD, RENEW_AHEAD = timedelta(minutes=10), timedelta(hours=1)
"""The host's address is there so long before the host's door, and renewed so long before it runs out."""
LEAVE_ALONE = timedelta(minutes=5)
"""So long at most a room is not looked at after a platform refused; shorter than `HOST_AHEAD`. One member's registrations can
be used up for the day, and that is no reason to be without the host's address.
"""

logger = logging.getLogger("portal.rooms")


def due(db: Session) -> list[UUID]:
    """The meetings whose room is to be made or changed now, the next first."""
    return list(db.scalars(queries.DUE_MEETINGS, _moments()))


def provide(db: Session, meeting_id: UUID) -> None:
    """Make the room of a meeting, or bring it up to date, if that is due and nobody else is at it."""
    at = clock.now()
    claim = queries.CLAIM.one_or_none(db, meeting=meeting_id, until=at + CLAIM_FOR, **_moments())
    if claim is None:
        return
    let_go(db)
    platform, known = platforms()[claim.platform], claim.old_provider_id
    plan = Plan(
        claim.meeting_id, claim.title, claim.starts_at, claim.duration, claim.timezone, is_private=claim.is_private
    )
    if claim.old_platform != claim.platform:
        known = None
    try:
        room = platform.change(known, plan) if known else platform.create(plan)
    except ProviderError as error:
        if known and isinstance(error, RoomGoneError):
            is_gone(db, meeting_id, known)  # nobody is sent there, whatever becomes of the new one
            keep(db)
            provide(db, meeting_id)
            return
        _failed(db, claim, error)
    else:
        _ready(db, claim, room)
    keep(db)


def accompany(db: Session, meeting_id: UUID | None = None) -> None:
    """Of each room that is ready, or of one: an address for everybody who said yes, for the host, and for nobody else."""
    at, settings = clock.now(), current_app.config["SETTINGS"]
    doors = timedelta(minutes=settings.doors_minutes + HOST_EARLIER) + HOST_AHEAD
    rooms = queries.STANDING.all(
        db, meeting=meeting_id, host_soon=at + doors, renew_until=at + RENEW_AHEAD, at=at, platforms=list(platforms())
    )
    for room in rooms:
        claim = {"meeting": room.meeting_id, "at": at, "until": at + CLAIM_FOR}
        if not (room.wants_registrants or room.wants_host_address) or not db.scalar(queries.CLAIM_READY, claim):
            continue
        platform = platforms()[room.platform]
        with _left_alone_on_error(db, room):
            if room.wants_host_address:  # first: without the host nobody comes in
                _renew_host_address(db, platform, room)
                keep(db)
            if room.wants_registrants:
                _revoke(db, platform, room)
                _register(db, platform, room)
            db.execute(queries.LEAVE_ALONE, {"meeting": room.meeting_id, "until": None})
        keep(db)


def discard_cancelled(db: Session) -> None:
    """The room of a cancelled meeting is let go: nobody is sent there any more, and it is deleted at the platform."""
    for meeting_id in db.scalars(queries.CANCELLED).all():
        audit.record(db, "room.let-go", "The room was let go", category="cron", meeting_id=meeting_id)
    keep(db)


def remove_obsolete(db: Session) -> None:
    """Delete at the platforms what is no meeting's room any more."""
    while True:
        at = clock.now()
        room = queries.OBSOLETE.one_or_none(db, at=at, until=at + CLAIM_FOR, platforms=list(platforms()))
        let_go(db)
        if room is None:
            return
        named = {"platform": room.platform, "provider_id": room.provider_id}
        try:
            platforms()[room.platform].remove(room.provider_id)
        except ProviderError as error:
            logger.warning("A room could not be deleted at %s: %s", room.platform, error.sentence)
            pause = error.after or (_pause(room.attempts - 1) if error.again else timedelta(days=1))
            db.execute(queries.PUT_OFF, {**named, "next_try_at": at + pause})
        else:
            db.execute(queries.REMOVED, named)
        keep(db)


def start_anew(db: Session, meeting_id: UUID) -> None:
    """Forget earlier failures: the meeting was moved, or takes place after all."""
    db.execute(queries.START_ANEW, {"meeting": meeting_id})


def is_gone(db: Session, meeting_id: UUID, provider_id: str) -> None:
    """Note that a room was deleted at its platform, unless there is another by now or the meeting is over; the next look
    makes a new one.
    """
    given = {"meeting": meeting_id, "provider_id": provider_id, "at": clock.now()}
    if db.execute(queries.GONE, given).rowcount:  # type: ignore[attr-defined]
        audit.record(db, "room.gone", "The room was deleted at the platform", category="cron", meeting_id=meeting_id)
        live.announce(db, meeting_id)


def _ready(db: Session, claim: Claim, room: Room) -> None:
    """Keep the room that was made; nobody may want it any more (cancelled, a link was typed, another platform)."""
    mine = {"meeting": claim.meeting_id, "platform": claim.platform}
    named = {"platform": claim.platform, "provider_id": room.provider_id}
    if not _is_wanted(db, claim):
        db.execute(queries.DISCARD, named)
        return
    is_new = (claim.old_platform, claim.old_provider_id) != (claim.platform, room.provider_id)
    if is_new:
        db.execute(queries.FORGET_REGISTRANTS, mine)
    db.execute(queries.DISCARD_OTHER, {**mine, **named})
    db.execute(queries.REMOVED, named)  # a room that was let go, and found again before it was deleted
    values = {
        "sealed": _sealed(room.address),
        "provider_id": room.provider_id,
        "title": claim.title,
        "starts_at": claim.starts_at,
        "duration": claim.duration,
        "at": clock.now(),
        "is_new": is_new,
    }
    db.execute(queries.READY, {**mine, **values})
    audit.record(db, "room.ready", "The room is ready", category="cron", meeting_id=claim.meeting_id)
    live.announce(db, claim.meeting_id)


def _failed(db: Session, claim: Claim, error: ProviderError) -> None:
    """Note why, when to try again (not before the end when that is of no use), and tell host and admins once."""
    if not _is_wanted(db, claim):
        return
    pause = error.after or _pause(claim.attempts)
    next_try_at = clock.now() + pause if error.again else claim.ends_at
    values = {"meeting": claim.meeting_id, "sentence": error.sentence, "next_try_at": next_try_at}
    db.execute(queries.FAILED, values)
    audit.record(
        db,
        "room.failed",
        "The room could not be made",
        category="cron",
        level="warn",
        meeting_id=claim.meeting_id,
        why=error.sentence,
    )
    tell_of_failure(db, claim.meeting_id, error.sentence, claim.ready_at)
    live.announce(db, claim.meeting_id)


def _is_wanted(db: Session, claim: Claim) -> bool:
    """Whether the meeting still wants a room of this platform; it is held from here to the end of the transaction."""
    mine = {"meeting": claim.meeting_id, "platform": claim.platform}
    db.execute(queries.LOCK, mine)
    return bool(db.scalar(queries.WANTED, mine))


def _hold(db: Session, room: Standing) -> None:
    """Hold the meeting. Raises RoomGoneError if this is its room no longer: an address into it would outlive it."""
    mine = {"meeting": room.meeting_id, "platform": room.platform, "provider_id": room.provider_id}
    db.execute(queries.LOCK, mine)
    if not db.scalar(queries.IS_STILL_ITS_ROOM, mine):
        raise RoomGoneError


def _register(db: Session, platform: Platform, room: Standing) -> None:
    """An address of their own for everybody who said yes and has none, some at a time."""
    while people := queries.UNREGISTERED.all(db, meeting=room.meeting_id, at=clock.now()):
        let_go(db)
        asked = [Person(p.user_id, p.email, p.first_name or "", p.last_name or "") for p in people]
        registrants = platform.register(room.provider_id, asked)
        _hold(db, room)
        known = {"meeting": room.meeting_id}
        for one in registrants or ():
            sealed = _sealed(one.address)
            values = {"user_id": one.user_id, "registrant_id": one.registrant_id, "sealed": sealed}
            db.execute(queries.REGISTERED, {**known, **values})
        if room.has_registrants is None:
            db.execute(queries.HAS_REGISTRANTS, {**known, "yes": registrants is not None})
        keep(db)
        if registrants is None or len(registrants) < len(people):
            return


def _revoke(db: Session, platform: Platform, room: Standing) -> None:
    """Take back the addresses of those who said no after all, or have no access any more."""
    for person in queries.FORMER.all(db, meeting=room.meeting_id, at=clock.now()):
        let_go(db)
        platform.revoke(room.provider_id, person.registrant_id)
        db.execute(queries.REVOKED, {"meeting": room.meeting_id, "user_id": person.user_id, "at": clock.now()})
        keep(db)


def _renew_host_address(db: Session, platform: Platform, room: Standing) -> None:
    let_go(db)
    own = platform.host_address(room.provider_id)
    _hold(db, room)
    # Where there is none the host takes everybody's, and is asked for again some time later.
    values = (
        {"sealed": _sealed(own.address), "until": own.until}
        if own
        else {"sealed": None, "until": clock.now() + 2 * RENEW_AHEAD}
    )
    db.execute(queries.HOST_ADDRESS, {"meeting": room.meeting_id, **values})


@contextmanager
def _left_alone_on_error(db: Session, room: Standing) -> Iterator[None]:
    """A platform that refuses is asked again some time later; a room it does not know is made anew."""
    try:
        yield
    except RoomGoneError:
        is_gone(db, room.meeting_id, room.provider_id)
    except ProviderError as error:
        logger.warning("Meeting %s: %s", room.meeting_id, error.sentence)
        pause = min(error.after or (BACK_OFF[0] if error.again else LEAVE_ALONE), LEAVE_ALONE)
        db.execute(queries.LEAVE_ALONE, {"meeting": room.meeting_id, "until": clock.now() + pause})


def _moments() -> dict[str, object]:
    at: datetime = clock.now()
    return {"at": at, "horizon": at + HORIZON, "platforms": list(platforms())}


def _pause(attempts: int) -> timedelta:
    """How long to wait after so many failures before this one."""
    return BACK_OFF[min(attempts, len(BACK_OFF) - 1)]


def _sealed(address: str) -> str:
    return seal(address, current_app.config["SETTINGS"].room_key)
