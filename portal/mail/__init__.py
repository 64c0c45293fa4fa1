"""Mail: written into the outbox in the transaction of the change it tells of, sent by the worker after commit.

`write` is what rooms call. Sending is at least once with a stable Message-ID, so a repeat is recognised.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from flask import current_app
from jinja2 import Template
from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.orm import Session

from portal import clock
from portal.mail.choices import unsubscribe_url
from portal.mail.jobs import deliver, recheck
from portal.mail.kinds import KINDS, category
from portal.mail.models import Mail

__all__ = ["CLOSED", "Invitation", "Message", "recheck", "unsubscribe_url", "waiting", "write"]

CLOSED = "@closed.invalid"
"""How the address of a closed account ends. Nobody is there, so nothing is written."""


@dataclass(frozen=True)
class Message:
    """What a mail says: a headline, sentences, facts, at most one button (path, label), and why it was sent.

    The path leads into the portal; the button opens a page and changes nothing by itself.
    """

    subject: str
    headline: str
    body: Sequence[str]
    why: str
    details: Sequence[tuple[str, str]] = ()
    button: tuple[str, str] | None = None


@dataclass(frozen=True)
class Invitation:
    """A calendar object that goes with a mail: its iTIP method (RFC 5546 1.4: REQUEST, CANCEL) and the iCalendar text."""

    method: str
    text: str


def write(
    db: Session,
    kind: str,
    recipient: str,
    message: Message,
    *,
    user_id: UUID | None = None,
    meeting_id: UUID | None = None,
    occasion: str | None = None,
    secret: bool = False,
    invitation: Invitation | None = None,
    delay: timedelta | None = None,
) -> None:
    """Put a mail into the outbox. `kind` is one of `portal.mail.kinds`. With an `occasion` it is written once, however often
    the occasion is noticed; `secret` bodies (they hold a link or code that opens something) are forgotten when sent.
    `meeting_id` is the meeting it is about, for whoever looks up what was sent. It leaves after `delay`, at once without.
    """
    optional = category(kind).optional
    if recipient.endswith(CLOSED):
        return
    site = current_app.config["SETTINGS"].public_url
    context = asdict(message)
    if message.button:
        context["button"] = (site + message.button[0], message.button[1])
    if optional and user_id:
        context |= {"stop": unsubscribe_url(user_id, KINDS[kind]), "choose": f"{site}/account/mails"}
    mail_id = uuid4()
    row = {
        "id": mail_id,
        "kind": kind,
        "occasion": occasion,
        "user_id": user_id,
        "meeting_id": meeting_id,
        "recipient": recipient,
        "subject": " ".join(message.subject.split()),
        "secret": secret,
        "method": invitation.method if invitation else None,
        "calendar": invitation.text if invitation else None,
        "created_at": clock.now(),
        "text": _template("message.txt").render(context).replace("\N{NO-BREAK SPACE}", " "),
        "html": _template("message.html").render(context),
    }
    if occasion is None:
        db.execute(insert(Mail).values(row))
    else:
        once = upsert(Mail).values(row).on_conflict_do_nothing(index_elements=["occasion"])
        # Without the option an INSERT counts no rows and answers -1.
        if not db.execute(once, execution_options={"preserve_rowcount": True}).rowcount:  # type: ignore[attr-defined]
            return
    (deliver.set(after=delay) if delay else deliver).enqueue(db, mail_id=mail_id)


def _template(name: str) -> Template:
    return current_app.jinja_env.get_template(f"mail/{name}")


def waiting(db: Session) -> int:
    """Mails not sent yet."""
    return db.scalar(select(func.count()).select_from(Mail).where(Mail.state == "queued")) or 0
