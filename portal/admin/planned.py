"""What is on the programme, as an admin sees it."""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import or_, select

from portal.database import db
from portal.meetings.board import Board, here_and_now
from portal.meetings.models import Meeting, MeetingSeries
from portal.meetings.rows import PlannedRow

CORRECTABLE_FOR = timedelta(days=30)


class Planned(Board):
    """A meeting as an admin sees it in the admin's own zone: nobody's answer, and what members are not shown."""

    _row: PlannedRow | Meeting

    @property
    def month(self) -> tuple[int, int]:
        """The year and month of the viewer's day of it."""
        return self.date.year, self.date.month

    @property
    def requests(self) -> int:
        """How many wait for an answer to their asking."""
        return self._row.request_count

    @property
    def private(self) -> bool:
        """Whether only people who are invited know of it."""
        return self._row.is_private

    @property
    def room_ready(self) -> bool:
        """Whether there is a room behind the door."""
        return self._row.provision_state == "ready"

    @property
    def approval(self) -> bool:
        """Whether the host approves each person."""
        return self._row.requires_approval

    @property
    def ahead(self) -> bool:
        """Whether its hour is still to come, called off or not."""
        return self.starts_at > self._clock.now

    @property
    def correctable(self) -> bool:
        """Whether an admin may still say who came."""
        return bool(self._row.status == "completed" and self._clock.now <= self._row.ends_at + CORRECTABLE_FOR)


def running_series() -> Sequence[MeetingSeries]:
    """Every series that is not over, by title."""
    viewer_clock = here_and_now()
    running = or_(MeetingSeries.ends_on.is_(None), MeetingSeries.ends_on >= viewer_clock.club(viewer_clock.now).date())
    in_order = select(MeetingSeries).where(running).order_by(MeetingSeries.title, MeetingSeries.id)
    return db.session.scalars(in_order.limit(200)).all()
