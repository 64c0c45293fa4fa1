"""A second live subscription of one payer: it is ended and given back at once, so it never counts.

Two payment pages that were both paid make one. It carries a mark at the provider from the moment its end begins, so that
whoever is stopped half-way leaves something to go on from.
"""

from sqlalchemy import select
from sqlalchemy.orm import Session

from portal import audit, mail
from portal.accounts.models import User
from portal.billing import letters
from portal.billing.models import Subscription
from portal.billing.provider import LIVE
from portal.billing.reading import Facts, Invoice
from portal.billing.reading import Subscription as Theirs


def among(db: Session, said: Facts) -> list[Theirs]:
    """Live subscriptions beyond the one this person may have: the first that was known stays, else the oldest.

    Those marked already are among them: whoever marked one may have been stopped before ending it.
    """
    if said.user_id is None or db.get(User, said.user_id) is None:
        return []
    live = sorted((s for s in said.subscriptions if s.live), key=lambda s: (s.started_at, s.id))
    known = db.scalars(
        select(Subscription.provider_subscription_id).where(Subscription.user_id == said.user_id, Subscription.live)
    ).all()
    theirs = {s.id: s for s in said.subscriptions}
    stays = next((k for k in known if k not in theirs or theirs[k].live), live[0].id if live else None)
    half_ended = [s for s in said.subscriptions if s.twin and s.status in LIVE]
    return [s for s in live if s.id != stays] + half_ended


def owed(said: Facts, ended: list[Theirs]) -> list[Invoice]:
    """Paid bills of twins, those just `ended` and any before, that were not given back yet."""
    names = {s.id for s in said.subscriptions if s.twin} | {s.id for s in ended}
    return [
        bill
        for bill in said.invoices
        if bill.subscription_id in names
        and bill.payment_id
        and bill.refunded_minor < bill.amount_minor
        and not bill.disputed_at
    ]


def untold(db: Session, said: Facts) -> list[Theirs]:
    """Twins nobody was told of."""
    known = select(Subscription.provider_subscription_id).where(Subscription.user_id == said.user_id, Subscription.twin)
    told = set(db.scalars(known))
    return [s for s in said.subscriptions if s.twin and s.id not in told]


def tell(db: Session, said: Facts, twin: Theirs) -> None:
    """A row in the log and a mail to who paid twice."""
    words = "A second subscription was ended and given back"
    audit.record(db, "subscription.twin", words, category="billing", level="warn", subject_id=said.user_id)
    who = db.get(User, said.user_id)
    if who:
        mail.write(db, "twin", who.email, letters.twin(who.first_name), user_id=who.id, occasion=f"twin:{twin.id}")
