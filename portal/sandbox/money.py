"""Plants the club's money: everybody pays at the sandbox's Stripe, through the portal's own way there, on their own day.

Renewals, failures and retries between then and now are the provider's doing, as they would be.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import stripe as package
from sqlalchemy import select

from portal import clock
from portal.billing import actions, provider, reading
from portal.billing.models import Checkout, Order, Payer
from portal.billing.sync import sync_customer
from portal.database import db
from portal.database.identity import WORKER
from portal.sandbox.people import ANA, BILAL, PEOPLE
from portal.sandbox.stripe import Stripe

if TYPE_CHECKING:
    from portal.sandbox.club import Club

GOOD, MASTERCARD, REFUSED, FAILS_LATER, DISPUTED = (
    "4242424242424242",
    "5555555555554444",
    "4000000000000002",
    "4000000000000341",
    "4000000000000259",
)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Bank:
    """The club's hands at the provider."""

    club: "Club"
    world: Stripe

    def buys(self, email: str, plan: str, cycle: str, at: datetime, card: str = GOOD) -> None:
        """Chooses, pays, and the portal has heard."""
        with self.club.as_(self.club.member(email), at) as session:
            made = actions.open_checkout(session, plan, cycle)
        with self.club.as_(self.club.member(email), at) as session:
            checkout = session.get_one(Checkout, made)
            actions.keep_page(session, checkout, provider.payment_page(actions.page_wanted(session, checkout, email)))
        with self.club.as_(WORKER) as session:
            sent = session.get_one(Checkout, made)
            session_id, customer = sent.session_id or "", sent.customer_id or ""
        if card:
            with clock.at(at + timedelta(minutes=2)):
                self.world.pay(session_id, card)
        self.syncs(customer, at + timedelta(minutes=3) if card != REFUSED else at + DAY)

    def syncs(self, customer: str, at: datetime | None = None) -> None:
        """The portal asks how it stands."""
        with self.club.as_(WORKER, at) as session:
            sync_customer(session, customer)

    def ends(self, email: str, at: datetime, *, now: bool = False) -> None:
        """Set to end with the paid time, or at once."""
        customer = self.customer(email)
        with self.club.worker.app_context(), clock.at(at):
            live = next(s for s in reading.fetch(customer).subscriptions if s.live)
            provider.end_now(live.id) if now else provider.set_to_end(live.id)
        self.syncs(customer, at)

    def gives_back(self, email: str, at: datetime, minor: int | None = None) -> None:
        """All of the last payment, or a part, and then what it paid for ends that day; as an admin does it."""
        with self.club.as_(self.club.admin(), at) as session:
            mine = select(Order).where(Order.user_id == self.club.ids[email], Order.status == "completed")
            order = session.scalars(mine.order_by(Order.created_at.desc()).limit(1)).one()
            provider.give_back(order.provider_payment_id or "", f"plant-{email}", minor)
            last_day = at.date() if minor else None
            actions.note_refund(session, order, minor or order.amount_minor, "As agreed by mail.", last_day)
        self.syncs(self.customer(email), at)

    def customer(self, email: str) -> str:
        """The name somebody has at the provider."""
        with self.club.as_(WORKER) as session:
            return session.scalars(select(Payer.customer_id).where(Payer.user_id == self.club.ids[email])).one()


def open_bank(club: "Club") -> Bank:
    """A fresh account at the sandbox's Stripe; the planting speaks to it without a network."""
    settings = club.web.config["SETTINGS"]
    for old in settings.sandbox_stripe.parent.glob(f"{settings.sandbox_stripe.name}*"):
        old.unlink()
    world = Stripe(settings.sandbox_stripe, settings.stripe_url or "http://127.0.0.1:8001", settings.stripe_key)
    line = package.StripeClient(settings.stripe_key, http_client=world.transport)
    for side in (club.web, club.worker):
        side.extensions["provider"] = line
    with club.web.app_context():
        provider.sync_plans()
    return Bank(club, world)


def pay(club: "Club") -> None:
    """Everybody's plan, and one of each thing nobody wishes for, in the order they happened."""
    bank, now = open_bank(club), clock.now()
    happened: list[tuple[datetime, Callable[..., None], tuple[object, ...]]] = []

    def then(days_ago: float, what: Callable[..., None], *about: object) -> None:
        at = now - days_ago * DAY
        happened.append((at, what, (*about[:3], at, *about[3:]) if what == bank.buys else (about[0], at, *about[1:])))

    special = {BILAL, ANA, "nils@berg.no", "sam.taylor@gmail.com", "ruth.adler@berkeley.edu"}
    for n, (_first, _last, email, _zone, plan) in enumerate(PEOPLE):
        if plan in ("", "-") or email in special:
            continue
        kind = "family" if plan[0] == "f" else "individual"
        if plan == "lapsed":
            then(40 + n % 5, bank.buys, email, kind, "monthly", FAILS_LATER if n % 2 else GOOD)
            then(30 + n % 5, bank.ends, email)
        elif plan[1] == "y":
            then(256 + n % 50, bank.buys, email, kind, "yearly", MASTERCARD if n % 4 == 0 else GOOD)
        else:
            then(30.44 * (2 + n % 6) - 2 - n % 27, bank.buys, email, kind, "monthly", GOOD)
    then(330, bank.buys, BILAL, "individual", "monthly", MASTERCARD)
    then(329, bank.gives_back, BILAL, None)
    then(328, bank.ends, BILAL)
    then(290, bank.buys, BILAL, "individual", "yearly", GOOD)
    then(280, bank.gives_back, BILAL, 11000)
    then(279.9, _stop, BILAL)
    then(124, bank.buys, BILAL, "individual", "monthly", REFUSED)
    then(122.6, bank.buys, BILAL, "individual", "monthly", GOOD)
    then(255, bank.buys, ANA, "family", "yearly", REFUSED)
    then(253, bank.buys, ANA, "family", "yearly", GOOD)
    then(40, bank.buys, "nils@berg.no", "individual", "monthly", DISPUTED)
    then(33, bank.buys, "sam.taylor@gmail.com", "individual", "monthly", FAILS_LATER)
    then(200, bank.buys, "ruth.adler@berkeley.edu", "individual", "yearly", GOOD)
    then(20, bank.ends, "ruth.adler@berkeley.edu")
    then(0.1, bank.buys, "bob.miller@aol.com", "individual", "yearly", "")

    for at, what, about in sorted(happened, key=lambda each: each[0]):
        if what is _stop:
            bank.ends(str(about[0]), at, now=True)
        else:
            with suppress(StopIteration):
                what(*about)
    bank.world.advance()
    with club.as_(WORKER) as session:
        customers = session.scalars(select(Payer.customer_id)).all()
    for customer in customers:
        bank.syncs(customer)
    with club.worker.app_context():
        db.session.remove()


def _stop(*_about: object) -> None:
    """Marks an end that does not wait for the paid time."""
