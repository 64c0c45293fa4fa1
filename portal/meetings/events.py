"""What happens to meetings."""

from uuid import UUID

from portal.jobs import event


@event
def moved(meeting_id: UUID) -> None:
    """A meeting is at another time."""


@event
def cancelled(meeting_id: UUID) -> None:
    """A meeting was called off."""


@event
def reinstated(meeting_id: UUID) -> None:
    """A meeting that was called off takes place after all."""


@event
def place_offered(meeting_id: UUID, user_id: UUID) -> None:
    """A place came free and is offered to somebody who waits."""
