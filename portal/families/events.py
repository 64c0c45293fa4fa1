"""What happens to families."""

from uuid import UUID

from portal.jobs import event


@event
def seat_changed(what: str, membership_id: UUID) -> None:
    """A seat was taken, given up, taken away or given back, or an invitation came to nothing: `what` as `jobs.tell` knows it."""


@event
def plan_changed(what: str, plan_id: UUID) -> None:
    """The whole plan is to be handed over, was, or ends: `what` as `jobs.tell_plan` knows it."""
