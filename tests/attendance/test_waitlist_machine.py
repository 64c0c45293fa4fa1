"""The line as a machine: any order of wishes, decisions, changed places and passing hours, against a plain model.

The model below was written from the rules, not from the SQL: a dictionary, a list and a clock.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from tests.support import cast
from tests.support.cast import Person, plan_meeting
from tests.support.waitlist import Said, Waitlist

HOUR, QUARTER = timedelta(hours=1), timedelta(minutes=15)
GUESTS = (cast.ALICE, cast.BOB, cast.CHARLIE, cast.DORA, cast.EVE)
guests = st.sampled_from([guest.first_name for guest in GUESTS])
CALLED = {guest.first_name: guest for guest in GUESTS}


@dataclass
class Model:
    """What the rules say: who has answered what, who stands in line, and until when an offer holds."""

    start: datetime
    end: datetime
    places: int | None = 2
    approval: bool = False
    cancelled: bool = False
    answers: dict[Person, str] = field(default_factory=dict)
    line: list[Person] = field(default_factory=list)
    offers: dict[Person, datetime] = field(default_factory=dict)

    def taken(self) -> int:
        return sum(answer in ("accepted", "offered") for answer in self.answers.values())

    def seat_is_free(self) -> bool:
        return self.places is None or self.taken() < self.places

    def advance(self, at: datetime) -> set[Person]:
        if not self.cancelled:
            for person in [person for person, until in self.offers.items() if until <= at]:
                self.give(person, "withdrawn")
        return self.promote(at)

    def promote(self, at: datetime) -> set[Person]:
        told = set()
        while not self.cancelled and at <= self.start - HOUR and self.line and self.seat_is_free():
            following = self.line[0]
            self.give(following, "offered")
            self.offers[following] = max(at + QUARTER, min(at + 12 * HOUR, self.start - HOUR))
            told.add(following)
        return told

    def give(self, person: Person, answer: str) -> None:
        if person in self.line:
            self.line.remove(person)
        self.offers.pop(person, None)
        self.answers[person] = answer
        if answer == "waitlisted":
            self.line.append(person)

    def says(self, person: Person, wish: str, at: datetime) -> set[Person]:
        told = self.advance(at) if any(until <= at for until in self.offers.values()) else set()
        was = self.answers.get(person, "none")
        if self.cancelled or at >= self.end:
            return told
        becomes = self.no(was) if wish == "declined" else self.yes(was, at)
        if becomes != was:
            self.give(person, becomes)
            if was in ("accepted", "offered") and becomes != "accepted":
                told |= self.promote(at)
        return told

    def no(self, was: str) -> str:
        leaves = {"waitlisted", "requested", "offered", "withdrawn"}
        return "rejected" if was == "rejected" else "withdrawn" if was in leaves else "declined"

    def yes(self, was: str, at: datetime) -> str:
        if was in ("accepted", "offered"):
            return "accepted"
        if was == "rejected":
            return "rejected"
        if self.approval and was != "waitlisted":
            return "requested"
        first_come = not self.line or at > self.start - HOUR
        return "accepted" if self.seat_is_free() and first_come else "waitlisted"

    def decide(self, person: Person, accept: bool, at: datetime) -> None:
        self.advance(at)
        if self.answers.get(person) == "requested" and not self.cancelled and at < self.end:
            free = self.seat_is_free() and (not self.line or at > self.start - HOUR)
            self.give(person, "rejected" if not accept else "accepted" if free else "waitlisted")


def machine(as_, superuser, now):
    class LineMachine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            superuser.execute("delete from meetings")
            in_a_week = datetime.now(cast.ISTANBUL).date() + timedelta(days=7)
            meeting = plan_meeting(superuser, "Supper", max_attendees=2, scheduled_date=in_a_week)
            self.line = Waitlist(as_, superuser, meeting, now)
            self.model = Model(meeting.starts_at, meeting.ends_at)
            self.seats_before = 0
            self.steps = 0
            self.untended = False

        @initialize(everybody=st.permutations(list(CALLED)))
        def doors_open(self, everybody: list[str]) -> None:
            for name in everybody:
                self.answer(CALLED[name], "accepted")

        @rule(wishes=st.lists(st.tuples(guests, st.sampled_from(["accepted", "accepted", "declined"])), min_size=1))
        def answers(self, wishes: list[tuple[str, str]]) -> None:
            for name, wish in wishes:
                self.answer(CALLED[name], wish)

        def answer(self, person: Person, wish: str) -> None:
            self.later(timedelta(seconds=1))
            told = self.model.says(person, wish, self.line.now)
            said = self.line.says(person, wish)
            assert said.answer == self.model.answers.get(person, "none")
            assert set(said.offered) == {other.id for other in told}
            assert self.line.says(person, wish) == Said(said.answer, False, said.refusal, [])

        @rule(name=guests, accept=st.booleans())
        def decide(self, name: str, accept: bool) -> None:
            person = CALLED[name]
            self.later(timedelta(seconds=1))
            self.model.decide(person, accept, self.line.now)
            self.line.decides(cast.DORA, person, accept)
            self.untended = False

        @rule(places=st.sampled_from([1, 2, 3, 5, None]), advanced=st.sampled_from([True, True, False]))
        def change_places(self, places: int | None, advanced: bool) -> None:
            self.model.places = places
            self.line.change(max_attendees=places)
            self.untended = True
            if advanced:
                self.advance()

        @rule()
        def toggle_approval(self) -> None:
            self.model.approval = not self.model.approval
            self.line.change(requires_approval=self.model.approval)

        @rule(by=st.sampled_from([timedelta(minutes=5), QUARTER, QUARTER, 12 * HOUR]))
        def time_passes(self, by: timedelta) -> None:
            self.later(by)

        @precondition(lambda self: self.steps > 4)
        @rule()
        def the_last_hour_comes(self) -> None:
            self.later(max(timedelta(0), self.model.start - HOUR - self.line.now))

        @rule()
        def advance(self) -> None:
            told = self.model.advance(self.line.now)
            assert set(self.line.advance()) == {person.id for person in told}
            self.untended = False

        @precondition(lambda self: self.steps > 8)
        @rule()
        def cancel(self) -> None:
            self.model.cancelled = True
            self.line.change(status="cancelled", cancellation_reason="The host is ill.")

        def later(self, by: timedelta) -> None:
            self.line.now += by

        @invariant()
        def all_is_well(self) -> None:
            self.steps += 1
            self.the_answers_are_as_the_rules_say()
            self.the_line_stands_in_order_of_joining()
            self.offers_hold_as_long_as_promised()
            self.the_meeting_counts_what_the_rows_say()
            self.there_are_never_more_seats_taken_than_places_unless_places_were_lost()
            self.nobody_waits_while_a_seat_is_free()

        def the_answers_are_as_the_rules_say(self) -> None:
            assert self.line.answers(GUESTS) == [self.model.answers.get(person) for person in GUESTS]

        def the_line_stands_in_order_of_joining(self) -> None:
            places = superuser.execute(
                "select user_id from meeting_attendances where answer = 'waitlisted' order by waiting_since, id"
            ).fetchall()
            assert [id_ for (id_,) in places] == [person.id for person in self.model.line]

        def offers_hold_as_long_as_promised(self) -> None:
            held = superuser.execute(
                "select user_id, offer_expires_at from meeting_attendances where answer = 'offered'"
            )
            assert dict(held.fetchall()) == {person.id: until for person, until in self.model.offers.items()}

        def the_meeting_counts_what_the_rows_say(self) -> None:
            assert self.line.numbers() == self.line.counted()

        def there_are_never_more_seats_taken_than_places_unless_places_were_lost(self) -> None:
            taken, *_ = self.line.numbers()
            if self.model.places is not None:
                assert taken <= max(self.model.places, self.seats_before)
            self.seats_before = taken

        def nobody_waits_while_a_seat_is_free(self) -> None:
            if not (self.untended or self.model.cancelled) and self.line.now <= self.model.start - HOUR:
                taken, waiting, _ = self.line.numbers()
                if waiting:
                    assert self.model.places is not None and taken >= self.model.places

    return LineMachine


SETTINGS = settings(
    max_examples=50,
    stateful_step_count=24,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


# Eve has no access; here she is let in, so that five want to come.
@pytest.mark.usefixtures("people")
def test_any_story_of_the_line_ends_as_the_rules_say(as_, superuser, now):
    superuser.execute("update users set access_until = now() + interval '1 year'")
    run_state_machine_as_test(machine(as_, superuser, now), settings=SETTINGS)
