"""Random lives: whatever people, banks and time do, the money adds up and every status follows Stripe's machine."""

import contextlib
from collections import Counter
from datetime import timedelta

import stripe
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from portal import clock
from tests.sandbox.stripe.account import BEGIN, Account, check_events

CARDS = ["4242424242424242", "5555555555554444", "4000000000000341", "4000000000000259", "4000002760003184"]
BEHAVIOURS = ["none", "create_prorations", "always_invoice"]
PAYMENTS = ["allow_incomplete", "error_if_incomplete", "pending_if_incomplete"]
MAY_BECOME = {
    "incomplete": {"active", "incomplete_expired", "canceled"},
    "trialing": {"active", "past_due", "canceled"},
    "active": {"past_due", "canceled", "trialing"},
    "past_due": {"active", "canceled", "unpaid"},
    "unpaid": {"active", "canceled"},
    "canceled": set(),
    "incomplete_expired": set(),
}
some = st.integers(0, 99)


class Lives(RuleBasedStateMachine):
    """One account, one clock that only goes on."""

    @initialize(then=st.sampled_from(["cancel", "unpaid"]))
    def begin(self, then):
        self.account, self.days = Account(), 0.0
        self.api, self.world = self.account.api, self.account.world
        self.world.when_retries_end(then)
        self.subscriptions = []

    def now(self):
        return clock.at(BEGIN + timedelta(days=self.days))

    def one(self, number):
        return self.subscriptions[number % len(self.subscriptions)]

    @contextlib.contextmanager
    def may_be_refused(self):
        with self.now(), contextlib.suppress(stripe.InvalidRequestError, stripe.CardError):
            yield

    @rule(card=st.sampled_from(CARDS), plan=st.sampled_from(["month", "year", "family"]), free=st.sampled_from([0, 5]))
    def subscribe(self, card, plan, free):
        with self.now():
            data = {"subscription_data": {"trial_period_days": free}} if free else {}
            self.subscriptions.append(self.account.subscribe(card, getattr(self.account, plan), **data).id)

    @rule(days=st.sampled_from([0.02, 0.5, 1, 3, 7, 15, 31, 200]))
    def time_goes_by(self, days):
        self.days += days
        with self.now():
            self.world.advance()

    @precondition(lambda self: self.subscriptions)
    @rule(
        which=some,
        plan=st.sampled_from(["month", "year", "family"]),
        how=st.sampled_from(BEHAVIOURS),
        payment=st.sampled_from(PAYMENTS),
    )
    def change(self, which, plan, how, payment):
        with self.may_be_refused():
            (item,) = self.api.subscriptions.retrieve(self.one(which))["items"].data
            changed = {"items": [{"id": item.id, "price": getattr(self.account, plan)}], "proration_behavior": how}
            before = {bill.id for bill in self.api.invoices.list(params={"subscription": self.one(which)}).data}
            upcoming = self.api.invoices.create_preview(
                params={"subscription": self.one(which), "subscription_details": changed}
            )
            self.api.subscriptions.update(self.one(which), params={**changed, "payment_behavior": payment})
            is_another = item.price.id != getattr(self.account, plan)  # else there is nothing to bill
            if is_another and how == "always_invoice" and payment == "allow_incomplete":
                bills = self.api.invoices.list(params={"subscription": self.one(which)}).data
                assert [bill.total for bill in bills if bill.id not in before] == [upcoming.total]

    @precondition(lambda self: self.subscriptions)
    @rule(which=some, on=st.booleans())
    def end_later_or_not(self, which, on):
        with self.may_be_refused():
            self.api.subscriptions.update(self.one(which), params={"cancel_at_period_end": on})

    @precondition(lambda self: self.subscriptions)
    @rule(which=some, prorate=st.booleans(), now=st.booleans())
    def end_now(self, which, prorate, now):
        with self.may_be_refused():
            self.api.subscriptions.cancel(self.one(which), params={"prorate": prorate, "invoice_now": now})

    @precondition(lambda self: self.subscriptions)
    @rule(which=some, behaviour=st.sampled_from(["void", "keep_as_draft", "mark_uncollectible", ""]))
    def pause_or_not(self, which, behaviour):
        with self.may_be_refused():
            pause = {"behavior": behaviour} if behaviour else ""
            self.api.subscriptions.update(self.one(which), params={"pause_collection": pause})

    @precondition(lambda self: self.subscriptions)
    @rule(which=some, plan=st.sampled_from(["month", "year", "family"]))
    def plan_ahead(self, which, plan):
        with self.may_be_refused():
            made = self.api.subscription_schedules.create(params={"from_subscription": self.one(which)})
            now = made.phases[0]
            first = {
                "start_date": now.start_date,
                "end_date": now.end_date,
                "items": [{"price": now["items"][0].price}],
            }
            then = {"items": [{"price": getattr(self.account, plan)}], "proration_behavior": "none"}
            self.api.subscription_schedules.update(made.id, params={"phases": [first, then]})

    @rule(which=some, card=st.booleans())
    def pay_what_is_open(self, which, card):
        with self.may_be_refused():
            bills = self.api.invoices.list(params={"status": "open"}).data
            kept = self.api.payment_methods.list(params={"customer": self.account.ana.id}).data
            if bills and kept:
                method = {"payment_method": kept[which % len(kept)].id} if card else {}
                self.api.invoices.pay(bills[which % len(bills)].id, params=method)

    @rule(which=some, what=st.sampled_from(["void_invoice", "mark_uncollectible"]))
    def withdraw(self, which, what):
        with self.may_be_refused():
            bills = self.api.invoices.list(params={"status": "open"}).data
            if bills:
                getattr(self.api.invoices, what)(bills[which % len(bills)].id)

    @rule(which=some, part=st.sampled_from([1, 2]))
    def refund(self, which, part):
        with self.may_be_refused():
            paid = [each for each in self.api.charges.list().data if each.status == "succeeded"]
            if paid:
                charge = paid[which % len(paid)]
                self.api.refunds.create(params={"charge": charge.id, "amount": charge.amount // part})

    @rule(which=some, won=st.booleans())
    def a_bank_decides(self, which, won):
        with self.now():
            quarrels = [each for each in self.api.disputes.list().data if each.status not in ("won", "lost")]
            if quarrels:
                self.world.close_dispute(quarrels[which % len(quarrels)].id, won=won)

    # -- what always holds ----------------------------------------------------------------------------------------
    def every(self, kind):
        with self.world._page() as books:
            return books.rows(kind, order="asc")

    @invariant()
    def the_money_adds_up(self):
        if not hasattr(self, "world"):
            return
        with self.now():
            ledger = self.world.ledger().total.get("eur", 0)
        paid = sum(each["amount_paid"] for each in self.every("invoice") if each["status"] == "paid")
        back = sum(each["amount"] for each in self.every("refund") if each["status"] == "succeeded")
        lost = sum(each["amount"] for each in self.every("dispute") if each["status"] == "lost")
        assert ledger == paid - back - lost
        moved = [each for each in self.every("balance_transaction") if each["type"] in ("charge", "refund")]
        assert sum(each["amount"] for each in moved) == paid - back

    @invariant()
    def nothing_is_paid_twice(self):
        if not hasattr(self, "world"):
            return
        charges = Counter(each["payment_intent"] for each in self.every("charge") if each["status"] == "succeeded")
        assert set(charges.values()) <= {1}
        for invoice in self.every("invoice"):
            if invoice["status"] != "draft":
                standing = invoice["total"] + invoice["starting_balance"]
                assert invoice["amount_due"] + invoice["ending_balance"] == standing
                assert sum(line["amount"] for line in invoice["lines"]["data"]) == invoice["total"]

    @invariant()
    def no_status_jumps(self):
        if not hasattr(self, "world"):
            return
        last: dict[str, str] = {}
        for event in self.every("event"):
            body = event["data"]["object"]
            if body["object"] == "subscription":
                before, now = last.get(body["id"]), body["status"]
                if before not in (None, now):
                    assert now in MAY_BECOME[before], (before, now, event["type"])
                last[body["id"]] = now

    @invariant()
    def periods_hold_the_present(self):
        if not hasattr(self, "world"):
            return
        with self.now():
            now = int(clock.now().timestamp())
            for each in self.every("subscription"):
                item = each["items"]["data"][0]
                if each["status"] not in ("canceled", "incomplete_expired"):
                    assert item["current_period_start"] <= now < item["current_period_end"]

    def teardown(self):
        if hasattr(self, "world"):
            check_events(self.world)


Lives.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=25,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
TestLives = Lives.TestCase
