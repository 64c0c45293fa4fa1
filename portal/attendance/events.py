"""What happens to attendance."""

from uuid import UUID

from portal.jobs import event


@event
def account_learnt(meeting_id: UUID) -> None:
    """It is known now whose an account is that was in the room of this meeting, and nobody's there."""


@event
def missing_reminded(meeting_id: UUID) -> None:
    """The host of a running meeting wants those reminded who said yes and have not come."""
