"""The verbs of money: choosing a plan, going to pay for it, giving days and giving back, having the provider asked.

What a club that takes no cards does instead of the provider's work is in `transfers`.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import UUID

from flask import current_app
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from portal import audit, clock, mail
from portal.accounts.member import display_name
from portal.accounts.models import User
from portal.billing import messages, money, plans, provider
from portal.billing.events import customer_changed, family_wanted, take_over_paid
from portal.billing.models import Checkout, Order, Payer
from portal.problems import Refused
from portal.times import last_moment

if TYPE_CHECKING:
    from portal.billing.checkout import OwnCheckout
    from portal.billing.messages import Renewing
    from portal.billing.refundable import Refundable

NUMBER = text("select next_order_number(:at)")
WISH = text("update payers set asked_for = :wish, asked_at = :at where user_id = :user_id")
REFRESH_PROJECTION = text("select refresh_projection(:user_id, :at)")
NAMES = text("""
select customer_id from (
  select customer_id, fetched_at from payers where user_id = :user_id
  union all
  select customer_id, null from checkouts where user_id = :user_id and state = 'open' and customer_id is not null) known
 group by customer_id order by max(fetched_at) desc nulls last
""")
LOCK_PERSON = text("select id from users where id = :user_id for no key update")
OPEN = text("select open_checkout(:plan, :cycle, :minor, :price, :currency, :transfer, :way)")
FREE_UNTIL = text("select ends_at from access_grants where user_id = auth.uid() and kind = 'welcome'")
OFFERED = text("select 1 from family_plans where id = :plan and is_active and transfer_to = auth.uid()")
GIVE = text("select give_access(:person, :kind, :until, :why)")
CUT = text("select cut_order(:order, :until)")

PAGE_LIFE = timedelta(hours=23)
"""How long a payment page can be paid, from the choice on; so asking twice asks for the same page."""
SOONEST = timedelta(days=3)
"""A plan that does not begin at once begins after these days at the soonest, as `open_checkout` in the database says."""


class NotOffered(Refused):
    """Nobody has asked you to take this family over, or not any more. Nothing was charged."""


class NothingToPay(Refused):
    """This checkout is over. Choose a plan again; nothing was charged."""


# --- who it is about -------------------------------------------------------------------------------------------------


def lock_person(db: Session, user_id: UUID) -> bool:
    """Lock a person's row before their orders and checkouts are written: everybody takes the locks in this order. False if
    there is no such person.
    """
    return db.execute(LOCK_PERSON, {"user_id": user_id}).first() is not None


def refresh_projection(db: Session, user_id: UUID) -> None:
    """As the worker: recompute the access columns of a person, and of everybody their plan covers, from what is paid and given."""
    db.execute(REFRESH_PROJECTION, {"user_id": user_id, "at": clock.now()})


def ask_provider(db: Session, customer_id: str, event_id: str | None = None) -> None:
    """Have the provider asked about a customer, one job at a time for each; nobody is asked where no cards are taken."""
    if not provider.is_connected():
        return
    customer_changed.publish(db, customer_id=customer_id, event_id=event_id)


def ask_provider_of_each(db: Session, customer_ids: Sequence[str]) -> None:
    """The same for many customers, when nothing else is due."""
    if provider.is_connected():
        customer_changed.publish_each(db, "customer_id", customer_ids)


def ask_about(db: Session, user_id: UUID, event_id: str | None = None) -> Sequence[str]:
    """Have the provider asked about a person, under every name they have there. The names; none if they never paid."""
    db.execute(update(Payer).where(Payer.user_id == user_id).values(asked_at=clock.now()))
    names = customers_of(db, user_id)
    for customer_id in names:
        ask_provider(db, customer_id, event_id)
    return names


def note_wish(db: Session, user_id: UUID, wish: str) -> None:
    """Note what a payer asked of the plan (end, renew, change, stay), which their pages say until the provider has answered."""
    db.execute(WISH, {"user_id": user_id, "wish": wish, "at": clock.now()})


def customers_of(db: Session, user_id: UUID) -> Sequence[str]:
    """The ids of a person's customers at the provider, the one heard of last first; those of open checkouts come last."""
    return db.scalars(NAMES, {"user_id": user_id}).all()


def called(db: Session, people: Collection[UUID]) -> dict[UUID, provider.Named]:
    """How the provider shall call and reach each of these people; whoever closed their account is nobody there either."""
    found = db.execute(select(User.id, User.first_name, User.last_name, User.email).where(User.id.in_(people)))
    return {
        row.id: provider.Named(display_name(row.first_name, row.last_name, row.email), provider.their_form(row.email))
        for row in found
    }


# --- on the way to pay -----------------------------------------------------------------------------------------------


def open_checkout(db: Session, plan_key: str, cycle: str, transfer_plan_id: UUID | None = None) -> UUID:
    """The current user's choice, as a pending order and a checkout; whatever was open before is over.

    Raises NotOffered when it is to take over a family that was not offered to the current user, or with a plan for one.
    """
    plan = plans()[plan_key]
    if transfer_plan_id and not (plan_key == "family" and _offered(db, transfer_plan_id)):
        raise NotOffered
    made: UUID = db.execute(
        OPEN,
        {
            "plan": plan.key,
            "cycle": cycle,
            "minor": plan.minor(cycle),
            "price": plan.price(cycle),
            "currency": plan.currency,
            "transfer": transfer_plan_id,
            "way": "stripe" if provider.is_connected() else "transfer",
        },
    ).scalar_one()
    audit.record(db, "order.opened", f"Chose {plan.name}, {cycle}", category="billing")
    return made


def _offered(db: Session, plan_id: UUID) -> bool:
    return db.execute(OFFERED, {"plan": plan_id}).scalar() is not None


def page_wanted(db: Session, checkout: "OwnCheckout | Checkout", email: str) -> provider.PageWanted:
    """What to ask the provider for, that one of the current user's checkouts can be paid.

    Raises NothingToPay when it is paid, was replaced, is nearly a day old, or the plan costs another amount by now;
    NotOffered when the family it was to take over is not offered any more.
    """
    plan, shown = plans()[checkout.subscription_type], select(Order.amount_minor).where(Order.id == checkout.order_id)
    over = checkout.state != "open" or checkout.created_at + PAGE_LIFE <= clock.now() + timedelta(hours=1)
    if over or db.scalar(shown) != plan.minor(checkout.billing_cycle):
        raise NothingToPay
    if checkout.transfer_plan_id and not _offered(db, checkout.transfer_plan_id):
        raise NotOffered
    return provider.PageWanted(
        checkout_id=checkout.id,
        user_id=checkout.user_id,
        email=email,
        known=customers_of(db, checkout.user_id),
        plan=plan,
        cycle=checkout.billing_cycle,
        here=f"{current_app.config['SETTINGS'].public_url}/checkouts/{checkout.id}",
        expires_at=checkout.created_at + PAGE_LIFE,
        starts_at=checkout.starts_at,
        transfer_plan_id=checkout.transfer_plan_id,
    )


def keep_page(db: Session, checkout: "OwnCheckout | Checkout", made: provider.Page) -> bool:
    """Note the page a checkout is paid on. False if the checkout is over meanwhile: then nobody may pay there."""
    ours = update(Checkout).where(
        Checkout.id == checkout.id, Checkout.state == "open", Checkout.user_id == checkout.user_id
    )
    ours = ours.values(
        customer_id=made.customer_id, session_id=made.session_id, url=made.url, expires_at=made.expires_at
    )
    return bool(db.execute(ours).rowcount)  # type: ignore[attr-defined]


def free_until(db: Session, at: datetime) -> datetime | None:
    """The end of the current user's first days, if a plan chosen `at` a moment can begin there."""
    until: datetime | None = db.execute(FREE_UNTIL).scalar()
    return until if until and until > at + SOONEST else None


def drop_checkout(db: Session, checkout_id: UUID) -> None:
    """Close a checkout that was not paid, and mark its order as failed. As the worker; one that is over stays as it is."""
    user_id = db.scalar(select(Checkout.user_id).where(Checkout.id == checkout_id))
    if user_id is None or not lock_person(db, user_id):
        return
    open_ = update(Checkout).where(Checkout.id == checkout_id, Checkout.state == "open").values(state="expired")
    order_id = db.scalar(open_.returning(Checkout.order_id))
    if order_id is not None:
        db.execute(update(Order).where(Order.id == order_id, Order.status == "pending").values(status="failed"))
        refresh_projection(db, user_id)


# --- where nobody pays ----------------------------------------------------------------------------------------------


def start_family(db: Session, user_id: UUID) -> None:
    """Ask for a family of the current user's own, in a free club; the worker makes it, unless they are in one."""
    family_wanted.publish(db, user_id=user_id)


def take_family_over(db: Session, plan_id: UUID, user_id: UUID) -> None:
    """Ask to take a family over, in a free club, as the current user; the worker checks whether that was proposed to them."""
    take_over_paid.publish(db, plan_id=plan_id, new_primary_id=user_id)


# --- by an admin -----------------------------------------------------------------------------------------------------


def give_days(db: Session, person_id: UUID, kind: str, last_day: date, reason: str) -> None:
    """Give access without an order, from now to the end of a day in the club's zone: `complimentary`, or paid `offline`.

    In the name of the admin who asks; the person reads the reason.
    """
    wanted = {"person": person_id, "kind": kind, "until": end_of(last_day), "why": reason}
    db.execute(GIVE, wanted)
    audit.record(db, "access.given", f"Days given: {kind}, {reason}", category="billing", subject_id=person_id)


def note_refund(db: Session, order: "Refundable | Order", minor: int, reason: str, last_day: date | None) -> None:
    """Note that the provider was asked to give `minor` of an order back. It gives no access after `last_day`, if there is one."""
    if last_day:
        db.execute(CUT, {"order": order.id, "until": end_of(last_day)})
    amount = money.plain(money.major(minor, order.currency), order.currency)
    words = f"Refund of {amount} {order.currency} of {order.order_number}: {reason}"
    audit.record(db, "order.refund-asked", words, category="billing", subject_id=order.user_id)
    ask_about(db, order.user_id)


def note_renewal(db: Session, plan: "Renewing", *, ends: bool, ended: bool, reason: str) -> None:
    """The provider was told that somebody's plan ends with what is paid, or has `ended` this moment since that was not, or
    renews after all; the payer is told by mail.
    """
    note_wish(db, plan.user_id, "end" if ends else "renew")
    operation = "plan.ended-by-club" if ends else "plan.resumed-by-club"
    audit.record(db, operation, reason, category="billing", subject_id=plan.user_id)
    message = messages.renewal_changed(plan, ends, ended, reason)
    mail.write(db, "plan-changed-by-club", plan.email, message, user_id=plan.user_id)
    ask_about(db, plan.user_id)


def end_of(day: date) -> datetime:
    """The last moment of a day in the club's zone."""
    return last_moment(day, current_app.config["SETTINGS"].club_timezone)
