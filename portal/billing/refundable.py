"""The row of an order of which something may be given back."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID


class Refundable(NamedTuple):
    """An order of which something may go back, with its buyer."""

    id: UUID
    user_id: UUID
    order_number: str
    amount: Decimal
    refunded_amount: Decimal
    currency: str
    provider_payment_id: str
    period_end: datetime | None
    first_name: str | None
    last_name: str | None
    email: str
