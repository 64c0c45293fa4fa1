"""A second live subscription of one payer: it is ended and given back at once, so it never counts.

Two payment pages that were both paid make one. It carries a mark at the provider from the moment its end begins, so that
whoever is stopped half-way leaves something to go on from.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, mail
from portal.accounts.models import User
from portal.billing import messages
from portal.billing.models import Subscription
from portal.billing.provider import LIVE
from portal.billing.reading import CustomerSnapshot, Invoice
from portal.billing.reading import Subscription as Theirs


def find_duplicates(db: Session, snapshot: CustomerSnapshot) -> list[Theirs]:
    """Live subscriptions beyond the one this person may have: the first that was known stays, else the oldest.

    Those marked already are among them: whoever marked one may have been stopped before ending it.
    """
    if snapshot.user_id is None or db.get(User, snapshot.user_id) is None:
        return []
    live = sorted((s for s in snapshot.subscriptions if s.live), key=lambda s: (s.started_at, s.id))
    known = db.scalars(
        select(Subscription.provider_subscription_id).where(Subscription.user_id == snapshot.user_id, Subscription.live)
    ).all()
    theirs = {s.id: s for s in snapshot.subscriptions}
    kept = next((k for k in known if k not in theirs or theirs[k].live), live[0].id if live else None)
    half_ended = [s for s in snapshot.subscriptions if s.is_duplicate and s.status in LIVE]
    return [s for s in live if s.id != kept] + half_ended


def owed(db: Session, snapshot: CustomerSnapshot, ended: list[Theirs]) -> list[Invoice]:
    """Paid invoices of duplicates, those just `ended` and any before, that were not given back yet. What was served before
    the plan began that stays is no double payment: a paused plan may go on long after another was bought.
    """
    names = {s.id for s in snapshot.subscriptions if s.is_duplicate} | {s.id for s in ended}
    stays = select(Subscription.started_at).where(
        Subscription.user_id == snapshot.user_id, Subscription.live, Subscription.provider_subscription_id.not_in(names)
    )
    began = [*db.scalars(stays), *(s.started_at for s in snapshot.subscriptions if s.live and s.id not in names)]
    return [
        invoice
        for invoice in snapshot.invoices
        if invoice.subscription_id in names
        and invoice.payment_id
        and invoice.refunded_minor < invoice.amount_minor
        and not invoice.disputed_at
        and (not began or invoice.period[1] > min(began))
    ]


def untold(db: Session, snapshot: CustomerSnapshot) -> list[Theirs]:
    """Duplicates whose payer was not told yet."""
    known = select(Subscription.provider_subscription_id).where(
        Subscription.user_id == snapshot.user_id, Subscription.is_duplicate
    )
    known_duplicates = set(db.scalars(known))
    return [s for s in snapshot.subscriptions if s.is_duplicate and s.id not in known_duplicates]


def tell(db: Session, snapshot: CustomerSnapshot, duplicate: Theirs) -> None:
    """Log the duplicate, and mail the person who paid twice; or who paid for a family that was not offered any more."""
    has_another = any(s.live for s in snapshot.subscriptions)
    for_nothing = duplicate.transfer_plan_id is not None and not has_another
    words = (
        "A plan for a family that was not offered any more was ended and given back"
        if for_nothing
        else "A second subscription was ended and given back"
    )
    audit.record(db, "subscription.twin", words, category="billing", level="warn", subject_id=snapshot.user_id)
    who = db.get(User, snapshot.user_id)
    if who:
        message = messages.not_handed_over if for_nothing else messages.duplicate_subscription
        mail.write(db, "twin", who.email, message(who.first_name), user_id=who.id, occasion=f"twin:{duplicate.id}")
