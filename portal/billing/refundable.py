"""The row of an order of which something may be given back."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID


class Refundable(NamedTuple):
    """An order of which something may go back, with its buyer. The provider gives it back, or, of one by transfer, a person
    of the club; then it has no `provider_payment_id`.
    """

    id: UUID
    user_id: UUID
    order_number: str
    amount: Decimal
    refunded_amount: Decimal
    currency: str
    payment_provider: str | None
    provider_payment_id: str | None
    period_end: datetime | None
    first_name: str | None
    last_name: str | None
    email: str
