"""What is paid and what it opens: plans, orders, and the access worked out from them.

Access has one truth: `project_access` in the database writes until when, from facts; everything compares that with
the moment. Orders are written by the worker's role only.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """What is sold. Prices are whole units of the currency, for a month and for a year."""

    key: str
    name: str
    month: int
    year: int
    currency: str = "USD"


PLANS = {plan.key: plan for plan in (Plan("individual", "Individual", 12, 120), Plan("family", "Family", 24, 240))}
