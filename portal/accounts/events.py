"""What happens to accounts."""

from uuid import UUID

from portal.jobs import event


@event
def reset_asked(email: str) -> None:
    """Somebody asked for a new password for an address, which is sealed."""


@event
def factor_said_lost(user_id: UUID) -> None:
    """A second factor is said to be lost, and ends in three days."""


@event
def factor_kept(user_id: UUID) -> None:
    """A second factor that was said to be lost stays."""


@event
def person_changed(user_id: UUID) -> None:
    """Somebody has another name or another address."""


@event
def account_closed(user_id: UUID) -> None:
    """Somebody closed their account: it is nameless now."""


@event
def place_passed_on(meeting_id: UUID, user_id: UUID) -> None:
    """A place of a closed account is offered to somebody who waits."""
