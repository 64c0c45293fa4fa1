"""What happens to payments."""

from uuid import UUID

from portal.jobs import event


@event
def customer_changed(customer_id: str, event_id: str | None = None) -> None:
    """Something may be different with a customer at the provider, as an event of theirs says, or because we caused it."""


@event
def order_changed(order_id: UUID, what: str) -> None:
    """An order was `opened` (to be paid outside of the portal), `paid`, `refunded` or `disputed`."""


@event
def family_wanted(user_id: UUID) -> None:
    """Somebody pays for a family and is in none."""


@event
def family_payment_changed(plan_id: UUID) -> None:
    """What pays for a family may be different."""


@event
def take_over_paid(plan_id: UUID, new_primary_id: UUID) -> None:
    """Who was asked to take a family over has arranged to pay for it."""
