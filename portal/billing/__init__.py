"""What is paid and what it opens: plans, checkout, subscriptions, orders, and the access worked out from them.

The flow: a member chooses a plan (`checkout`), pays at the provider (`provider`, the line to it, and `reading`, what it
knows), the provider knocks (`webhook`), a job asks it for everything about that customer (`refresh`) and writes what it
says (`facts`); each night both sides are compared (`comparison`).
Access has one truth: `entitlement_sources` in the database turns facts into reasons, `refresh_projection` writes until when, and
everything compares that with the moment. Orders and subscriptions are written by the worker's role only.
"""

from dataclasses import dataclass
from decimal import Decimal

from flask import current_app

from portal.billing import money
from portal.sentences import ngettext
from portal.times import number


@dataclass(frozen=True)
class Plan:
    """What is sold. Prices in whole units of the currency, for a month and for a year."""

    key: str
    name: str
    month: Decimal
    year: Decimal
    currency: str

    def price(self, cycle: str) -> Decimal:
        """What a `cycle` (monthly or yearly) costs."""
        return self.year if cycle == "yearly" else self.month

    def minor(self, cycle: str) -> int:
        """The same in the currency's smallest unit, as the provider counts."""
        return money.minor(self.price(cycle), self.currency)

    def shown(self, cycle: str) -> str:
        """The same for people, like $12.00."""
        return money.shown(self.price(cycle), self.currency)

    @property
    def saving(self) -> str:
        """What a year saves against twelve months, like two months free; nothing if it saves nothing."""
        less = 12 * self.month - self.year
        months, rest = divmod(less, self.month)
        if less <= 0:
            return ""
        if rest:
            return f"you save {money.short(less, self.currency)}"
        return ngettext("one month free", "%(count)s months free", int(months), count=number(int(months)))


CYCLES = {"monthly": "a month", "yearly": "a year"}
ABOUT = {
    "individual": "Every evening, the calendar in your own time zone, and your own record of the hours you kept.",
    "family": "The same for up to six people including you. Each has their own account; nobody sees another’s answers.",
}


def plans() -> dict[str, Plan]:
    """What this club sells, by key: individual and family."""
    settings = current_app.config["SETTINGS"]
    return {
        "individual": Plan(
            "individual",
            settings.individual_name,
            settings.individual_month,
            settings.individual_year,
            settings.currency,
        ),
        "family": Plan("family", settings.family_name, settings.family_month, settings.family_year, settings.currency),
    }


def is_free() -> bool:
    """Whether nobody pays in this club."""
    return bool(current_app.config["SETTINGS"].payment_way == "free")


def offers() -> list[dict[str, str]]:
    """What is sold, in words for the pages that show it."""
    return [
        {
            "key": plan.key,
            "name": plan.name,
            "month": plan.shown("monthly"),
            "year": plan.shown("yearly"),
            "saving": plan.saving,
            "text": ABOUT[plan.key],
        }
        for plan in plans().values()
    ]


def plan_name(key: str, cycle: str = "") -> str:
    """What the club calls a plan, with its cycle if one is given: Family, yearly."""
    name = plans()[key].name
    return f"{name}, {cycle}" if cycle else name
