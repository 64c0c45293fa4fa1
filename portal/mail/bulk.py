"""The same mail to many: rendered once, and once per statement written into the outbox for a thousand people."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from markupsafe import escape
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock
from portal.mail import CLOSED, Message
from portal.mail.jobs import deliver
from portal.mail.kinds import category

BATCH = 1000
"""So many mails at most one call writes."""

NAME = "\ue000"
"""Stands in the texts of a message where its reader's name belongs: a character that means nothing anywhere."""


@dataclass(frozen=True)
class Body:
    """A mail as it is sent, but for the name of its reader."""

    subject: str
    text: str
    html: str


class Addressed(NamedTuple):
    """One mail: who gets it (`name` is how they are called, None: nobody knows), which of the bodies, and for what occasion."""

    user_id: UUID
    recipient: str
    name: str | None
    body: int
    occasion: str
    meeting_id: UUID | None = None


# In the order of the people, as everybody writes who writes to many: of two at once the second waits, and writes nothing.
WRITE = text("""
insert into mails (kind, occasion, user_id, meeting_id, recipient, subject, text, html, created_at)
select :kind, p.occasion, p.user_id, p.meeting_id, p.recipient, b.subject,
       replace(b.text, :mark, p.name), replace(b.html, :mark, p.escaped), :at
  from unnest(cast(:occasions as text[]), cast(:users as uuid[]), cast(:meetings as uuid[]), cast(:recipients as text[]),
              cast(:names as text[]), cast(:escaped as text[]), cast(:bodies_of as integer[]))
       as p (occasion, user_id, meeting_id, recipient, name, escaped, body)
  join unnest(cast(:subjects as text[]), cast(:texts as text[]), cast(:htmls as text[])) with ordinality
       as b (subject, text, html, number) on b.number = p.body + 1
 order by p.user_id
    on conflict (occasion) do nothing
returning id
""")


def body(message: Message, template: str = "message", **context: object) -> Body:
    """Render a message whose sentences have NAME in them where the reader's name belongs; never in its subject."""
    context = asdict(message) | context
    if message.button:
        context["button"] = (current_app.config["SETTINGS"].public_url + message.button[0], message.button[1])
    templates = current_app.jinja_env
    return Body(
        " ".join(message.subject.split()),
        templates.get_template(f"mail/{template}.txt").render(context).replace("\N{NO-BREAK SPACE}", " "),
        templates.get_template(f"mail/{template}.html").render(context),
    )


def write(db: Session, kind: str, bodies: Sequence[Body], people: Sequence[Addressed]) -> int:
    """Put a mail into the outbox for each of at most BATCH people, once for each occasion; how many are new."""
    category(kind)
    people = [person for person in people if not person.recipient.endswith(CLOSED)]
    if not people:
        return 0
    names = [person.name or "there" for person in people]
    written = db.scalars(
        WRITE,
        {
            "kind": kind,
            "mark": NAME,
            "at": clock.now(),
            "occasions": [person.occasion for person in people],
            "users": [person.user_id for person in people],
            "meetings": [person.meeting_id for person in people],
            "recipients": [person.recipient for person in people],
            "names": names,
            "escaped": [str(escape(name)) for name in names],
            "bodies_of": [person.body for person in people],
            "subjects": [each.subject for each in bodies],
            "texts": [each.text for each in bodies],
            "htmls": [each.html for each in bodies],
        },
    ).all()
    deliver.enqueue_each(db, [{"mail_id": mail_id} for mail_id in written])
    return len(written)
