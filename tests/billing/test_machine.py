"""Paying as a machine: any lives, whatever the post does to the provider's letters, end as its books and the rules say."""

from random import Random

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from tests.support.lives import DAY, EVE, EVERYBODY, HOUR, PAYERS, SECOND, Life

CARDS = ["4242424242424242"] * 3 + [
    "4000002500003155",
    "4000002760003184",
    "4000000000000341",
    "4000000000000341",
    "4000000000000002",
    "4000000000000259",
]
payers, cards, cycles = (
    st.sampled_from(PAYERS),
    st.sampled_from(CARDS),
    st.sampled_from(["monthly", "monthly", "yearly"]),
)
kinds, numbers, chances = st.sampled_from(["individual", "family"]), st.integers(0, 20), st.integers(0, 2**32)
spans = st.sampled_from([HOUR, 5 * HOUR, DAY, 3 * DAY, 9 * DAY, 27 * DAY, 31 * DAY])


def agrees(life, chance):
    """Rows, access and money are what the provider's books and the rules make of them."""
    life.settle()
    said = life.books.expected()
    for person in PAYERS:
        assert life.plans(person) == said.plans[person.id]
        assert life.orders(person) == said.orders[person.id]
    assert life.kept() == life.books.kept()
    random, moments = Random(chance), {}
    for person in EVERYBODY:
        until = said.counts[person.id]
        dates = [life.now, *(d + by for d in said.counts.values() if d for by in (-SECOND, 0 * SECOND, SECOND))]
        for when in moments.setdefault(person, [d for d in dates if d >= life.now]):
            assert life.entitled(person, when) == bool(until and when < until)
        for when in random.sample(moments[person], min(2, len(moments[person]))):
            inside = bool(until and when < until)
            assert (life.page_says(person, when), life.comes_in(person, when)) == (inside, inside)


def machine(fixtures):
    class MoneyMachine(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.life = Life(fixtures)
            self.chance = 0

        @initialize(kind=kinds, card=cards, heard=st.booleans())
        def eve_has_begun(self, kind, card, heard):
            self.life.pay(self.life.choose(EVE, kind, "monthly"), card, True)
            if heard:
                self.life.receive()

        @rule(
            person=payers,
            kind=kinds,
            cycle=cycles,
            card=cards,
            confirm=st.sampled_from([True, True, False, None]),
            second_machine=st.booleans(),
        )
        def buys(self, person, kind, cycle, card, confirm, second_machine):
            page = self.life.choose(person, kind, cycle, second_machine)
            if page:
                self.life.pay(page, card, confirm)

        @rule(person=payers, kind=kinds, cycle=cycles, second_machine=st.booleans())
        def goes_to_pay(self, person, kind, cycle, second_machine):
            self.life.choose(person, kind, cycle, second_machine)

        @rule(which=numbers, card=cards)
        def pays_on_a_page_that_was_left_open(self, which, card):
            if self.life.pages:
                self.life.pay(self.life.pages[which % len(self.life.pages)], card, True)

        @rule(person=payers, wish=st.sampled_from(["end", "end", "resume", "change/cancel"]))
        def wishes(self, person, wish):
            self.life.press(person, f"/plan/{wish}")

        @rule(person=payers, kind=kinds, cycle=cycles)
        def changes(self, person, kind, cycle):
            self.life.change(person, kind, cycle)

        @rule(person=payers, card=cards, open_bills=st.booleans())
        def pays_with_another_card(self, person, card, open_bills):
            self.life.pays_with(person, card, open_bills)

        @rule(which=numbers, share=st.sampled_from([0.3, 1]))
        def money_goes_back(self, which, share):
            self.life.refund(which, share)

        @rule(which=numbers)
        def a_bank_disputes(self, which):
            self.life.dispute(which)

        @rule(won=st.booleans())
        def banks_decide(self, won):
            self.life.close_disputes(won)

        @rule(by=spans)
        def time_passes(self, by):
            self.life.later(by)

        @rule(chance=chances)
        def the_post_comes(self, chance):
            self.chance = chance
            self.life.post(Random(chance))

        @rule(chance=chances)
        def the_worker_works(self, chance):
            self.life.work(Random(chance))

        @rule()
        def all_is_heard(self):
            self.life.receive()

        @invariant()
        def nobody_has_two_plans(self):
            assert all(count == 1 for count in self.life.live())

        def teardown(self):
            try:
                agrees(self.life, self.chance)
            finally:
                self.life.over()

    return MoneyMachine


SETTINGS = settings(
    max_examples=12,
    stateful_step_count=20,
    deadline=None,
    database=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    print_blob=False,
    phases=[Phase.generate, Phase.shrink],
)


@pytest.fixture
def fixtures(app, worker_app, superuser, sign_in):
    return app, worker_app, superuser, sign_in


def test_any_lives_end_as_the_books_and_the_rules_say(fixtures):
    run_state_machine_as_test(machine(fixtures), settings=SETTINGS)
