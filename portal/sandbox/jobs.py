"""Life in the demo: people come and go, and the programme never runs out."""

import random
from contextlib import suppress
from datetime import timedelta
from functools import cache
from uuid import UUID

from flask import Flask, current_app
from requests import RequestException
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from portal import clock, create_app
from portal.accounts.models import User
from portal.attendance import presence
from portal.attendance.models import Presence
from portal.database.identity import Role
from portal.database.transactions import transaction
from portal.jobs import job
from portal.mail.inbox import Source, take_in
from portal.mail.models import Mail
from portal.meetings import series
from portal.meetings.models import Meeting
from portal.problems import Refused
from portal.sandbox import calendar_program, seats
from portal.sandbox.club import BETWEEN, Club, running_now
from portal.sandbox.people import PEOPLE

SIGNED_IN_BY_VISITORS = {PEOPLE[i][2] for i in (0, 1, 2)}


@cache
def members() -> Flask:
    """The portal as the web login: members act in their own name, which the worker's login cannot."""
    return create_app(current_app.config["SETTINGS"])


@job("sandbox.stroll", cron="* * * * * */12", lock="sandbox.stroll")
def stroll(db_session: Session) -> None:
    """Somebody answers, comes or goes in the meeting that is on."""
    at = clock.now()
    on = select(Meeting.id).where(Meeting.starts_at <= at, Meeting.ends_at > at, Meeting.status != "cancelled")
    meeting_id = db_session.scalar(on.order_by(Meeting.starts_at.desc()).limit(1))
    if meeting_id is None:
        return
    inside = select(Presence.id).where(
        Presence.meeting_id == meeting_id, Presence.user_id == User.id, Presence.left_at.is_(None)
    )
    who = db_session.execute(
        select(User.id, inside.exists().label("inside"))
        .where(User.access_until > at, User.email.in_([p[2] for p in PEOPLE]), User.email.not_in(SIGNED_IN_BY_VISITORS))
        .order_by(func.random())
        .limit(1)
    ).one_or_none()
    if who is None:
        return
    if who.inside and random.random() < 0.6:  # noqa: S311 - people, not secrets
        go(db_session, meeting_id, who.id)
    elif not who.inside:
        come(db_session, meeting_id, who.id)


def come(worker: Session, meeting_id: UUID, person_id: UUID) -> None:
    """Join as somebody, and sit down in the room it leads to."""
    settings = members().config["SETTINGS"]
    device = random.choice(["desktop", "mobile"])  # noqa: S311 - people, not secrets
    with suppress(Refused, RequestException):
        with transaction(members(), Role("portal_member", person_id)) as session:
            address = presence.join(session, meeting_id, device, settings.doors_minutes)
        if seat := seats.of(worker, meeting_id, person_id):
            seats.take(settings, seat, address)


def go(worker: Session, meeting_id: UUID, person_id: UUID) -> None:
    """Leave the room as somebody, and say so where nobody else would notice."""
    seat = seats.of(worker, meeting_id, person_id)
    if seat and seat.session:
        with suppress(RequestException):
            seats.leave(members().config["SETTINGS"], seat)
    with suppress(Refused), transaction(members(), Role("portal_member", person_id)) as session:
        presence.leave(session, meeting_id)


@job("sandbox.keep_going", cron="*/5 * * * *", lock="sandbox.keep_going")
def keep_going(db_session: Session) -> None:
    """A meeting is always on, and the programme reaches five weeks ahead, however long the demo was asleep. One that only
    stood in for the next leaves no trace when another does.
    """
    at = clock.now()
    soon = select(Meeting.id).where(
        Meeting.starts_at <= at + timedelta(minutes=20),
        Meeting.ends_at > at + timedelta(minutes=5),
        Meeting.status != "cancelled",
    )
    club = Club(members(), current_app._get_current_object())  # type: ignore[attr-defined]
    club.ids = {row.email: row.id for row in db_session.execute(select(User.email, User.id))}
    if PEOPLE[0][2] not in club.ids:
        return
    if db_session.scalar(soon.limit(1)) is None:
        db_session.execute(delete(Meeting).where(Meeting.title == BETWEEN, Meeting.ends_at <= at))
        running_now(club, at)
    series.extend(db_session)


@job("sandbox.reply")
def reply(db_session: Session, mail_id: UUID, partstat: str) -> None:
    """Somebody answered a mail in the mailbox from their calendar: the answer comes back as if by mail."""
    mail = db_session.get(Mail, mail_id)
    if mail is None or mail.calendar is None:
        return
    source = Source("sandbox", 1, int(clock.now().timestamp() * 1_000_000))
    take_in(db_session, calendar_program.reply(mail, partstat), source, current_app.config["SETTINGS"])
