"""Whom and what a list of the admin's is narrowed to, named above it; rows outlive what they are about."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.meetings.models import Meeting


def named(session: Session, person: UUID | None, meeting: UUID | None) -> list[tuple[str, str]]:
    """The person and the meeting a list is about, each with its page (empty for one that is gone); none for None.

    The log keeps that an admin looked at the list about this person.
    """
    about = []
    if person:
        who = session.execute(
            select(User.first_name, User.last_name, User.email).where(User.id == person)
        ).one_or_none()
        if who:
            audit.person_opened(session, person)
        about.append((display_name(*who), f"/admin/people/{person}") if who else ("somebody who is gone", ""))
    if meeting:
        title = session.scalar(select(Meeting.title).where(Meeting.id == meeting))
        about.append((title, f"/admin/meetings/{meeting}") if title else ("a meeting that is gone", ""))
    return about
