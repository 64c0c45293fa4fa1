"""One meeting and the people who want to come, as the tests of the line speak of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

import psycopg

from portal import clock
from tests.support.cast import Meeting, Person


class Said(NamedTuple):
    """What `rsvp` says: the answer now, whether it changed, why not, and who was offered a seat by it."""

    answer: str
    changed: bool
    refusal: str | None
    offered: list[UUID]


@dataclass
class Waitlist:
    """`now` is the clock of every call that names no other."""

    as_: Any
    postgres: psycopg.Connection
    meeting: Meeting
    now: datetime

    def says(self, person: Person, wish: str, at: datetime | None = None) -> Said:
        with clock.at(at or self.now), self.as_(person) as db:
            row = db.execute("select * from rsvp(%s, %s)", [self.meeting.id, wish]).fetchone()
        return Said(*row) if row else row

    def accepts(self, *people: Person, at: datetime | None = None) -> list[str]:
        return [self.says(person, "accepted", at).answer for person in people]

    def declines(self, *people: Person, at: datetime | None = None) -> list[str]:
        return [self.says(person, "declined", at).answer for person in people]

    def decides(self, admin: Person, person: Person, accept: bool, why: str | None = None) -> str | None:
        with clock.at(self.now), self.as_(admin) as db:
            answer: str | None = one(
                db, "select answer from decide_request(%s, %s, %s, %s)", self.meeting.id, person.id, accept, why
            )
        return answer

    def advance(self, at: datetime | None = None) -> list[UUID]:
        with clock.at(at or self.now), self.as_("worker") as db:
            offered: list[UUID] = one(db, "select advance_waitlist(%s)", self.meeting.id)
        return offered

    def place(self, person: Person) -> int | None:
        with self.as_(person) as db:
            position: int | None = one(db, "select waiting_position(%s)", self.meeting.id)
        return position

    def change(self, **columns: object) -> None:
        """As an admin's form would, without the tending that follows it."""
        names = ", ".join(f"{name} = %s" for name in columns)
        values = [*columns.values(), self.meeting.id]
        self.postgres.execute(f"update meetings set {names} where id = %s".encode(), values)

    def answers(self, people: Iterable[Person]) -> list[str | None]:
        return [
            one(
                self.postgres,
                "select answer from meeting_attendances where meeting_id = %s and user_id = %s",
                self.meeting.id,
                person.id,
            )
            for person in people
        ]

    def of(self, person: Person, column: str) -> Any:
        return one(
            self.postgres,
            f"select {column} from meeting_attendances where meeting_id = %s and user_id = %s",
            self.meeting.id,
            person.id,
        )

    def numbers(self) -> tuple[int, ...]:
        """Seats taken, waiting and asking, as the meeting counts them."""
        found = self.postgres.execute(
            "select seats_taken, waiting_count, request_count from meetings where id = %s", [self.meeting.id]
        ).fetchone()
        assert found is not None
        return found

    def counted(self) -> tuple[int, ...]:
        """The same numbers, from the rows themselves."""
        found = self.postgres.execute(
            "select count(*) filter (where answer in ('accepted', 'offered')),"
            " count(*) filter (where answer = 'waitlisted'), count(*) filter (where answer = 'requested')"
            " from meeting_attendances where meeting_id = %s",
            [self.meeting.id],
        ).fetchone()
        assert found is not None
        return found


def one(db: psycopg.Connection, statement: str, *values: object) -> Any:
    """The one value the statement answers with, or None."""
    row = db.execute(statement.encode(), values).fetchone()
    return row and row[0]
