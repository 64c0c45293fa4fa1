"""Delivery: one mail, one job; or many of those that were written for many. What a server refuses for now is tried again for
three days.
"""

import logging
from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from procrastinate import RetryStrategy
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from portal import clock
from portal.config import Settings
from portal.database.query import Query
from portal.database.transactions import in_batches, keep, let_go
from portal.jobs import job, queue_time
from portal.mail import bounces, choices, inbox, kinds, transport
from portal.mail.choices import Choices
from portal.mail.composing import composer
from portal.mail.events import not_delivered
from portal.mail.models import Mail

BATCH = 5000
ZONE = text("select timezone from users where id = :person")
TURN = text("select mail_turn(:domain, :a_minute)")
AT_ONCE, A_WHILE = 2, 5.0
"""So many jobs at once send what has no job of its own, for so many seconds each: a code to sign in with waits no longer."""


class Claimed(NamedTuple):
    """A mail without a job of its own that is to leave now."""

    id: UUID
    has_turn: bool


# What was claimed by a worker that died is claimed again ten minutes later.
CLAIM = Query(
    Claimed,
    text("""
with due as materialized (
  select id from mails where state = 'queued' and due_at <= :at order by due_at, id limit 20 for update skip locked)
update mails m set due_at = cast(:at as timestamptz) + interval '10 minutes' from due where m.id = due.id returning m.id, m.has_turn
"""),
)
WAITS = text("""
update mails set due_at = :due, has_turn = :has_its_turn
 where id = :mail and state = 'queued'
""")
FAILED = text("""
update mails set due_at = cast(:at as timestamptz) + interval '1 second' * power(3, greatest(attempts, 1))
 where id = :mail and state = 'queued'
""")
AT_IT = text("select count(*) from procrastinate_jobs where status = 'doing' and task_name = 'mail.deliver_waiting'")
RETRY = RetryStrategy(max_attempts=11, exponential_wait=3)
"""After 3 seconds, 9, 27 and so on: twelve tries in three days."""


class Wait(NamedTuple):
    """How long a mail waits, and whether it then has its turn among those to the same domain."""

    after: timedelta
    has_its_turn: bool


logger = logging.getLogger(__name__)

Recheck = Callable[[Session, Mail], str | None]
_rechecks: dict[str, Recheck] = {}


def recheck(kind: str) -> Callable[[Recheck], Recheck]:
    """Have a function look, right before a mail of this kind is sent, whether it is still true: a decorator.

    The function answers None, or with a sentence for admins why the mail is not sent any more.
    """

    def register(function: Recheck) -> Recheck:
        _rechecks[kind] = function
        return function

    return register


@job("mail.deliver", retry=RETRY)
def deliver(db: Session, mail_id: UUID, *, has_its_turn: bool = False) -> None:
    """Send one mail of the outbox and note how that went; a repeat of the job finds it sent. `has_its_turn`: it has waited for
    its turn among those to the same domain.
    """
    if wait := _deliver(db, mail_id, has_its_turn=has_its_turn):
        deliver.set(after=wait.after).enqueue(db, mail_id=mail_id, has_its_turn=wait.has_its_turn)


@job("mail.deliver_waiting", cron="* * * * *")
def deliver_waiting(db: Session) -> None:
    """Each minute: mails that were written for many and have no job each are sent, a few seconds long; then another such job
    goes on, so that whatever else is due comes first.
    """
    if (db.scalar(AT_IT) or 0) > AT_ONCE:
        return
    until = monotonic() + A_WHILE
    while monotonic() < until:
        claimed = CLAIM.all(db, at=queue_time())
        keep(db)
        if not claimed:
            return
        for mail in claimed:
            _deliver_claimed(db, mail)
            keep(db)
    deliver_waiting.enqueue(db)


def _deliver_claimed(db: Session, mail: Claimed) -> None:
    try:
        wait = _deliver(db, mail.id, has_its_turn=mail.has_turn)
    except Exception:  # one mail keeps no other back; it is noted with the mail
        logger.exception("A mail could not be sent; it is tried again")
        db.rollback()
        db.execute(FAILED, {"mail": mail.id, "at": queue_time()})
    else:
        if wait:
            waits = {"mail": mail.id, "due": queue_time() + wait.after, "has_its_turn": wait.has_its_turn}
            db.execute(WAITS, waits)


def _deliver(db: Session, mail_id: UUID, *, has_its_turn: bool) -> Wait | None:
    """Send a mail and note how that went; or how long it has to wait.

    First it is looked whether it is still wanted and true, and whether it has to wait: for the end of quiet hours, or for
    its turn among the mails to the same domain. Nothing is held while the mail server talks: who closes an account meanwhile
    does not wait for it.
    """
    mail = db.scalar(select(Mail).where(Mail.id == mail_id, Mail.state == "queued"))
    if mail is None:
        return None
    settings: Settings = current_app.config["SETTINGS"]
    chosen, way = choices.of(db, mail.user_id), transport.chosen(settings)
    if (reason := _why_not(db, mail, chosen)) is not None:
        _note(db, mail, "dropped", reason)
        return None
    if quiet := _quiet_for(db, mail, chosen):
        return Wait(quiet, has_its_turn=False)
    if way.paced and not has_its_turn and (turn := _turn(db, mail, settings)):
        return Wait(turn, has_its_turn=True)
    mail = _take(db, mail_id)
    if mail is None:
        return None
    try:
        if not _compose(db, mail):
            _note(db, mail, "dropped", "There was nothing left to say when it was to leave.")
            return None
        way.deliver(db, mail)
    except transport.RefusedForGood as refused:
        _note(db, mail, "failed", str(refused))
        if refused.unreachable:
            bounces.note(db, mail.recipient, True, refused.unreachable)
    except Exception as error:  # whatever went wrong: the last try is the last, or a secret would wait for ever
        db.rollback()
        last = mail.attempts > (RETRY.max_attempts or 0)
        _note(db, mail, "failed" if last else "queued", f"not yet: {type(error).__name__}")
        keep(db)  # what is raised leaves no trace, and this try counts
        raise
    else:
        _note(db, mail, "sent")
    return None


def _why_not(db: Session, mail: Mail, chosen: Choices) -> str | None:
    """Why a mail is not sent any more, for admins; None if it is."""
    category = kinds.of(mail.kind)
    if category.optional and chosen.is_off(kinds.KINDS[mail.kind]):
        return "They have switched mails of this kind off."
    if not category.even_unreachable and (returned := bounces.hard_reason(db, mail.recipient)) is not None:
        return f"Mails to this address came back: {returned}"
    check = _rechecks.get(mail.kind)
    return check(db, mail) if check else None


def _quiet_for(db: Session, mail: Mail, chosen: Choices) -> timedelta | None:
    """How long it is still quiet where the recipient lives; None if it is not, or if the mail does not wait for that."""
    if not kinds.of(mail.kind).waits or chosen.quiet_from is None:
        return None
    at = clock.now()
    ends = chosen.quiet_ends(db.scalars(ZONE, {"person": mail.user_id}).one(), at)
    return ends - at if ends else None


def _turn(db: Session, mail: Mail, settings: Settings) -> timedelta:
    """How long the mail waits for its turn among those to the same domain; what somebody sits waiting for does not."""
    if mail.secret or kinds.of(mail.kind).even_unreachable:
        return timedelta(0)
    domain = mail.recipient.rpartition("@")[2].lower()
    waits: timedelta = db.scalars(TURN, {"domain": domain, "a_minute": settings.mail_per_domain}).one()
    return waits


def _take(db: Session, mail_id: UUID) -> Mail | None:
    waiting = update(Mail).where(Mail.id == mail_id, Mail.state == "queued")
    mail = db.scalar(waiting.values(attempts=Mail.attempts + 1).returning(Mail))
    if mail is not None:
        db.expunge(mail)
    let_go(db)
    return mail


def _compose(db: Session, mail: Mail) -> bool:
    """Write the words of a mail that has none yet, and keep them; False if there is nothing to say."""
    compose = composer(mail)
    if compose is None:
        return True
    body = compose(db, mail)
    if body is None:
        return False
    mail.subject, mail.text, mail.html = body.subject, body.text, body.html
    db.execute(update(Mail).where(Mail.id == mail.id).values(subject=body.subject, text=body.text, html=body.html))
    let_go(db)
    return True


def _note(db: Session, mail: Mail, state: str, failure: str | None = None) -> None:
    values: dict[str, object] = {
        "state": state,
        "failure": failure,
        "sent_at": clock.now() if state == "sent" else None,
    }
    if state != "queued":
        values |= {"due_at": None}
    if mail.secret and state != "queued":
        values |= {"text": None, "html": None}
    db.execute(update(Mail).where(Mail.id == mail.id, Mail.state == "queued").values(values))
    if mail.method and state in ("dropped", "failed"):
        not_delivered.publish(db, mail_id=mail.id)


@job("mail.forget", cron="17 3 * * *", dry_run=True)
def forget(db: Session) -> None:
    """Bodies and calendar objects are kept for 90 days; forgotten a batch at a time."""
    old = clock.now() - timedelta(days=90)
    with_body = (
        select(Mail.id).where(Mail.created_at < old, Mail.state != "queued", Mail.text.is_not(None)).limit(BATCH)
    )
    forgotten = update(Mail).where(Mail.id.in_(with_body)).values(text=None, html=None, method=None, calendar=None)
    in_batches(db, lambda: int(db.execute(forgotten).rowcount))  # type: ignore[attr-defined]


@job("mail.read_inbox", cron="* * * * *", lock="mail.read_inbox")
def read_inbox(db: Session) -> None:
    """Each minute: what came back to the mailbox of INBOX_URL, if there is one."""
    inbox.read(db)
