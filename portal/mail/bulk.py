"""The same mail to many: rendered once, and once per statement written into the outbox for a thousand people."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import NamedTuple
from uuid import UUID

from flask import current_app
from markupsafe import escape
from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import clock
from portal.mail import CLOSED, Message, unsubscribe_url
from portal.mail.composing import Body
from portal.mail.jobs import deliver
from portal.mail.kinds import KINDS, category

BATCH = 1000
"""So many mails at most one call writes."""

NAME, STOP = "\ue000", "\ue001"
"""Characters that mean nothing anywhere. They stand in a rendered message where its recipient's name belongs, and the address
that switches mails of its kind off for them.
"""


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
       replace(replace(b.text, :name, p.name), :stop, p.stop), replace(replace(b.html, :name, p.escaped), :stop, p.stop), :at
  from json_to_recordset(cast(:people as json))
       as p (occasion text, user_id uuid, meeting_id uuid, recipient text, name text, escaped text, stop text, body integer)
  join unnest(cast(:subjects as text[]), cast(:texts as text[]), cast(:htmls as text[])) with ordinality
       as b (subject, text, html, number) on b.number = p.body + 1
 order by p.user_id
    on conflict (occasion) do nothing
returning id
""")


def body(kind: str, message: Message, template: str = "message", **context: object) -> Body:
    """Render a message whose sentences have NAME in them where the recipient's name belongs; its subject has none."""
    site = current_app.config["SETTINGS"].public_url
    context = {"site": site} | asdict(message) | context
    if message.button:
        context["button"] = (site + message.button[0], message.button[1])
    if category(kind).optional:
        context = {"stop": STOP, "choose": f"{site}/account/mails"} | context
    templates = current_app.jinja_env
    return Body(
        " ".join(message.subject.split()),
        templates.get_template(f"mail/{template}.txt").render(context).replace("\N{NO-BREAK SPACE}", " "),
        templates.get_template(f"mail/{template}.html").render(context),
    )


def write(db: Session, kind: str, bodies: Sequence[Body], people: Sequence[Addressed]) -> int:
    """Put a mail into the outbox for each of at most BATCH people, once for each occasion; how many are new."""
    optional = category(kind).optional
    people = [person for person in people if not person.recipient.endswith(CLOSED)]
    if not people:
        return 0
    written = db.scalars(
        WRITE,
        {
            "kind": kind,
            "name": NAME,
            "stop": STOP,
            "at": clock.now(),
            "people": json.dumps([_row(person, KINDS[kind] if optional else None) for person in people]),
            "subjects": [each.subject for each in bodies],
            "texts": [each.text for each in bodies],
            "htmls": [each.html for each in bodies],
        },
    ).all()
    deliver.enqueue_each(db, "mail_id", written)
    return len(written)


def _row(person: Addressed, optional: str | None) -> dict[str, object]:
    name = person.name or "there"
    return {
        "occasion": person.occasion,
        "user_id": str(person.user_id),
        "meeting_id": str(person.meeting_id) if person.meeting_id else None,
        "recipient": person.recipient,
        "name": name,
        "escaped": str(escape(name)),
        "stop": unsubscribe_url(person.user_id, optional) if optional else "",
        "body": person.body,
    }
