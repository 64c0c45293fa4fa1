"""The tables of answer states know every answer, and name only what a meeting has."""

import re
from string import Formatter

import pytest

from portal.attendance.my_meeting import MyMeeting
from portal.rsvp_states import AHEAD, CLOSED, TOLD, WITHOUT_PLAN, State
from tests.support.reading import one

TABLES = {**AHEAD, "without a plan": WITHOUT_PLAN, "closed": CLOSED}


def fields(state: State) -> set[str]:
    """The properties of a meeting that a state names."""
    texts = (state.disc[1], state.sentence, state.yes, state.no, state.door)
    return {name.removeprefix("m.") for text in texts for _, name, _, _ in Formatter().parse(text) if name}


@pytest.mark.parametrize("table", TABLES)
def test_what_a_state_names_a_meeting_has(table):
    named = {name for state in TABLES[table].values() for name in fields(state)}
    assert named <= set(dir(MyMeeting))


@pytest.mark.parametrize("table", [*AHEAD, "without a plan"])
def test_every_answer_of_the_database_has_its_state(table, superuser):
    check = one(
        superuser,
        "select pg_get_constraintdef(oid) from pg_constraint"
        " where conrelid = 'meeting_attendances'::regclass and conname = 'check_answer'",
    )
    answers = set(re.findall(r"'(\w+)'", check))
    assert answers == set(TOLD) and answers < set(TABLES[table])


def test_nobody_without_a_plan_has_anything_to_press():
    assert {(state.yes, state.no) for state in WITHOUT_PLAN.values()} == {("", "")}
