"""Telling people who moved in that they have an account here, when the operator says so, and once."""

from uuid import UUID

from sqlalchemy import text
from sqlalchemy.orm import Session

from portal import audit, mail
from portal.database.transactions import keep
from portal.mail import Message

BATCH = 500

NEXT = text("""
select u.id, u.email, u.first_name from imported i join users u on u.id = i.row_id
 where i.source = :source and i.kind = 'person' and u.id > :after
   and u.is_active and u.closed_at is null and u.last_login_at is null
   and not exists (select from mails m where m.occasion = 'moved-in ' || u.id)
 order by u.id limit :batch
""")


def moved_in(name: str | None) -> Message:
    """An account is here already; its password is chosen by whoever reads this mail."""
    return Message(
        subject="Your account at the club",
        headline="Your account is here",
        body=(
            f"Hello {name or 'there'}, the club has moved to a new portal and brought your account along, with the days you"
            " have paid for.",
            "Passwords did not move. Choose one: type this address on the page behind the button, and we send you a link.",
        ),
        button=("/reset", "Choose a password"),
        why="You get this because you are a member of the club. We write it once.",
    )


def invite(db: Session, source: str) -> int:
    """Write to everybody from `source` who has not been here yet and was not written to; to how many. A batch at a time."""
    after, written = UUID(int=0), 0
    while people := db.execute(NEXT, {"source": source, "after": after, "batch": BATCH}).all():
        for person in people:
            mail.write(
                db,
                "moved-in",
                person.email,
                moved_in(person.first_name),
                user_id=person.id,
                occasion=f"moved-in {person.id}",
            )
        after = people[-1].id
        written += len(people)
        keep(db)
    audit.record(db, "club.moved-in-invited", f"{written} people from {source} were invited", category="email")
    return written
