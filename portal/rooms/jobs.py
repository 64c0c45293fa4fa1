"""What the clock and the programme cause: rooms are made, follow their meetings, open to each person, and are deleted."""

from uuid import UUID

from flask import current_app
from sqlalchemy.orm import Session

from portal.database.transactions import each
from portal.jobs import job
from portal.jobs.runs import noted
from portal.meetings.events import cancelled, moved, reinstated
from portal.rooms import platforms, provision, queries


@moved.subscribe
@cancelled.subscribe
@reinstated.subscribe
@job("rooms.follow")
def follow(db: Session, meeting_id: UUID) -> None:
    """A meeting moved, was called off or takes place after all, or somebody pressed "make it again": its room follows."""
    provision.start_anew(db, meeting_id)
    provision.discard_cancelled(db)
    provision.provide(db, meeting_id)
    provision.accompany(db, meeting_id)


@job("rooms.tend", cron="* * * * *", lock="rooms.tend")
def tend(db: Session) -> None:
    """Each minute: rooms that are due are made or changed, everybody who said yes gets their address, the rest is deleted."""
    provision.discard_cancelled(db)
    for meeting_id in provision.due(db):
        provision.provide(db, meeting_id)
    provision.accompany(db)
    provision.remove_obsolete(db)


@job("rooms.erase", cron="29 4 * * *", lock="rooms.erase", dry_run=True)
def erase(db: Session) -> None:
    """Each night, after the archive: of archived meetings no address is kept."""
    for statement in each(db, queries.ERASE):
        db.execute(statement)


@job("rooms.check", cron="7 5 * * *", lock="rooms.check")
def check(db: Session) -> None:
    """Each day, and when an admin presses for it: try what Zoom and Google want; what is missing is on the operations page."""
    with noted(db, "rooms") as run:
        results = platforms.check(current_app.config["SETTINGS"])
        run.outcome = " ".join(platforms.in_words(results))
        run.well = not any(missing for _name, missing in results)
