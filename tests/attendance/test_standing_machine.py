"""Rules, explicit answers, being away and places in any order, against a plain model written from the decision.

The model knows what each person said themselves, and which rules they have. What must come out of it is decided per person
and evening: their own word if there is one, else what the first rule that fits says, else no answer. How a place is given
(a place, the line, an offer) is the line's own business, whose machine is test_waitlist_machine.py; here it must hold that
nobody who wants a place is without place, wait or offer, that nobody else holds one, and that the counts are right.
"""

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from portal.attendance.jobs import follow_rules
from tests.attendance.test_standing import a_series, weekday_of
from tests.support import cast
from tests.support.reading import do, plan
from tests.support.waitlist import Waitlist

CAST = (cast.ALICE, cast.BOB, cast.CHARLIE, cast.DORA)
HOLDS = ("accepted", "offered", "waitlisted", "requested")
KINDS = ("away", "series", "weekday")
people = st.sampled_from(CAST)
responses = st.sampled_from(["accepted", "accepted", "declined"])


def machine(as_, superuser, worker_app):
    class RulesMachine(RuleBasedStateMachine):
        @initialize()
        def begin(self) -> None:
            for table in ("standing_answers", "rules_followed", "meetings", "meeting_series"):
                superuser.execute(f"delete from {table}".encode())
            self.series, evening = a_series(superuser, max_attendees=1)
            self.evenings = [
                evening,
                plan(superuser, "Supper", days=2, max_attendees=2),
                plan(superuser, "Circle", days=3, requires_approval=True),
                plan(superuser, "Quiet", days=4, max_attendees=None),
            ]
            self.own: dict[tuple, str] = {}
            self.rules: dict[tuple, str] = {}

        def line(self, number: int) -> Waitlist:
            return Waitlist(as_, superuser, self.evenings[number], datetime.now(UTC))

        @rule(person=people, number=st.integers(0, 3), response=responses)
        def answers_by_hand(self, person, number, response) -> None:
            said = self.line(number).says(person, response)
            assert said.refusal is None
            self.own[person, number] = response

        @rule(person=people, kind=st.sampled_from(KINDS), number=st.integers(0, 3), response=responses)
        def writes_a_rule(self, person, kind, number, response) -> None:
            weekday = weekday_of(self.evenings[number]) if kind == "weekday" else None
            series = self.series if kind == "series" else None
            response = "declined" if kind == "away" else response
            if (person, kind, weekday) in self.rules:
                superuser.execute(
                    "update standing_answers set response = %s, followed_at = null"
                    " where user_id = %s and kind = %s and weekday is not distinct from %s and ended_at is null",
                    [response, person.id, kind, weekday],
                )
            else:
                superuser.execute(
                    "insert into standing_answers (user_id, kind, weekday, series_id, response, starts_at)"
                    " values (%s, %s, %s, %s, %s, now())",
                    [person.id, kind, weekday, series, response],
                )
            self.rules[person, kind, weekday] = response
            self.follow()

        @rule(data=st.data(), keeps=st.booleans())
        def ends_a_rule(self, data, keeps) -> None:
            if not self.rules:
                return
            person, kind, weekday = key = data.draw(st.sampled_from(sorted(self.rules, key=str)))
            if keeps:
                for number in range(4):
                    if (person, number) not in self.own and self.deciding(person, number) == key:
                        self.own[person, number] = self.rules[key]
            superuser.execute(
                "update standing_answers set ended_at = now(), keeps_answers = %s"
                " where user_id = %s and kind = %s and weekday is not distinct from %s and ended_at is null",
                [keeps, person.id, kind, weekday],
            )
            del self.rules[key]
            self.follow()

        @rule(places=st.sampled_from([1, 2, 5, None]), number=st.integers(0, 1))
        def places_change(self, places, number) -> None:
            line = self.line(number)
            line.change(max_attendees=places)
            line.advance()

        def follow(self) -> None:
            superuser.execute("delete from rules_followed")
            do(worker_app, follow_rules)

        def deciding(self, person, number):
            """The first rule that fits, by its key."""
            weekday = weekday_of(self.evenings[number])
            keys = [
                (person, "away", None),
                *([(person, "series", None)] if number == 0 else []),
                (person, "weekday", weekday),
            ]
            return next((key for key in keys if key in self.rules), None)

        @invariant()
        def everybody_is_where_their_word_or_rule_puts_them(self) -> None:
            for number, evening in enumerate(self.evenings):
                found = superuser.execute(
                    "select user_id, answer, standing_answer_id is not null from meeting_attendances where meeting_id = %s",
                    [evening.id],
                ).fetchall()
                kept = {user_id: (answer, by_rule) for user_id, answer, by_rule in found}
                for person in CAST:
                    answer, by_rule = kept.get(person.id, ("invited", False))
                    key = self.deciding(person, number)
                    wants = self.own.get((person, number)) or (self.rules[key] if key else None)
                    assert (answer in HOLDS) == (wants == "accepted"), (person.first_name, number, answer, wants)
                    assert (answer == "invited") == (wants is None)
                    assert by_rule == ((person, number) not in self.own and wants is not None)

        @invariant()
        def the_counts_are_right(self) -> None:
            for number in range(4):
                line = self.line(number)
                assert line.numbers() == line.counted()

        @invariant()
        def nobody_who_is_here_waits_while_a_place_is_free(self) -> None:
            waiting = superuser.execute(
                "select a.user_id from meeting_attendances a join meetings m on m.id = a.meeting_id"
                " where a.answer = 'waitlisted' and (m.max_attendees is null or m.seats_taken < m.max_attendees)"
            )
            away = {person.id for person, kind, _ in self.rules if kind == "away"}
            assert {user_id for (user_id,) in waiting} <= away

    return RulesMachine


SETTINGS = settings(
    max_examples=15,
    stateful_step_count=12,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
)


@pytest.mark.usefixtures("people")
def test_any_story_of_rules_ends_as_the_decision_says(as_, superuser, worker_app):
    run_state_machine_as_test(machine(as_, superuser, worker_app), settings=SETTINGS)
