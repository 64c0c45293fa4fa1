"""Lives of people who pay: what they do, what the provider's post does to its letters, and what must come of it.

`Books.expected` is the oracle. It reads nothing but the stand-in's own books and was written from the rules, not from
the portal's SQL: paid lines, money that went back, disputes, how a subscription ended, seven days of grace.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from uuid import UUID

import stripe as package

from portal.billing import duplicates, jobs, provider, reading, snapshot
from portal.clock import at
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.jobs import serve
from portal.sandbox.stripe import Stripe, customers, subscriptions
from portal.sandbox.stripe.cards import CARDS
from portal.sandbox.stripe.shapes import Body
from portal.sandbox.stripe.world import Delivery
from tests.support import cast
from tests.support.cast import EVE, Person, plan_meeting
from tests.support.clean import Cleaner
from tests.support.reading import one, words

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
FRANK = Person(UUID(int=0xF4A4C), "frank@club.example", "Frank")
GRACE = Person(UUID(int=0x64ACE), "grace@club.example", "Grace")  # has a place in Frank's family
PAYERS = (EVE, FRANK)
EVERYBODY = (EVE, FRANK, GRACE)
LIVE = ("trialing", "active", "past_due", "unpaid")
GRACE_DAYS = 7 * DAY
FINE = (200, 303, 404, 409, 422)

Row = tuple[Any, ...]


@dataclass
class Expected:
    """What the rows must be, and until when each person's access counts."""

    orders: dict[UUID, set[Row]] = field(default_factory=dict)
    plans: dict[UUID, set[Row]] = field(default_factory=dict)
    counts: dict[UUID, datetime | None] = field(default_factory=dict)


class Books:
    """The stand-in's books, read by somebody who knows the rules."""

    def __init__(self, world: Stripe) -> None:
        self.world = world

    def expected(self) -> Expected:
        expected, family = Expected(), None
        with self.world.books() as self.books:
            for person in PAYERS:
                names = [c["id"] for c in self.books.rows("customer") if c["metadata"].get("user_id") == str(person.id)]
                plans = [
                    s for name in names for s in self.books.rows("subscription", "customer = ?", name, order="asc")
                ]
                bills = [
                    b
                    for name in names
                    for b in self.books.rows("invoice", "customer = ?", name)
                    if b["status"] != "draft"
                ]
                expected.plans[person.id] = {self.plan(s) for s in plans}
                expected.orders[person.id] = {self.order(b, plans) for b in bills if b["amount_due"]}
                counted = self.counted(plans, bills)
                expected.counts[person.id] = max(counted.values(), default=None)
                family = counted.get("family") if person == FRANK else family
        expected.counts[GRACE.id] = family
        return expected

    def plan(self, s: Body) -> Row:
        item, ended = s["items"]["data"][0], s["status"] == "canceled"
        marks, live = item["price"]["metadata"], s["status"] in LIVE
        ends = s["cancel_at"] if live else None
        by = "failure" if s["cancellation_details"]["reason"] in ("payment_failed", "payment_disputed") else "choice"
        return (
            s["id"],
            s["status"],
            marks["plan"],
            marks["cycle"],
            moment(ends),
            moment(item["current_period_end"] if live and not ends else None),
            by if ended else None,
            s["metadata"].get("twin") == "1",
        )

    def order(self, bill: Body, plans: list[Body]) -> Row:
        if bill["status"] == "paid":
            back, dispute = self.back(bill)
            state = "refunded" if back == bill["amount_due"] else "completed"
            return (bill["id"], state, bill["amount_due"], back, dispute, *(moment(m) for m in service(bill)[:2]))
        (of,) = [s for s in plans if s["id"] == bill["parent"]["subscription_details"]["subscription"]]
        lost = bill["status"] in ("void", "uncollectible") or of["status"] in ("canceled", "incomplete_expired")
        return (bill["id"], "failed" if lost else "pending", bill["amount_due"], 0, None, None, None)

    def back(self, bill: Body) -> tuple[int, str | None]:
        """What went back of a paid bill, and how a dispute about it stands."""
        (payment,) = self.books.rows("invoice_payment", "json_extract(body, '$.invoice') = ?", bill["id"])
        charge = self.books.find("payment_intent", payment["payment"]["payment_intent"])["latest_charge"]
        of = "json_extract(body, '$.charge') = ?"
        back = sum(r["amount"] for r in self.books.rows("refund", of, charge) if r["status"] == "succeeded")
        disputes = [d["status"] for d in self.books.rows("dispute", of, charge)]
        return back, None if not disputes else disputes[0] if disputes[0] in ("won", "lost") else "open"

    def counted(self, plans: list[Body], bills: list[Body]) -> dict[str, datetime]:
        """Until when each kind of plan counts."""
        begun = [
            s for s in plans if s["status"] not in ("incomplete", "incomplete_expired") and "twin" not in s["metadata"]
        ]
        until: dict[str, datetime] = {}
        for bill in bills:
            if bill["status"] != "paid":
                continue
            back, dispute = self.back(bill) if bill["amount_due"] else (0, None)
            if dispute in ("open", "lost") or (bill["amount_due"] and back == bill["amount_due"]):
                continue
            _, end, kind = service(bill)
            paid_until = datetime.fromtimestamp(end, UTC)
            until[kind] = max(until.get(kind, paid_until), paid_until)
        if begun:
            _, status, kind, _, ends, _, by, _ = self.plan(begun[-1])
            if kind in until and ((status in LIVE and ends is None) or by == "failure"):
                until[kind] += GRACE_DAYS
        return until

    def kept(self) -> int:
        """Minor units that stayed with the club."""
        return self.world.ledger().total.get("usd", 0)


def service(bill: Body) -> tuple[int, int, str]:
    """From when to when, and which plan, a bill pays for; credit for unused time pays for nothing."""
    lines = [line for line in bill["lines"]["data"] if line["amount"] >= 0]
    last = max(lines, key=lambda line: line["period"]["end"])
    price = last["pricing"]["price_details"]["price"]
    return min(line["period"]["start"] for line in lines), last["period"]["end"], PRICES[price]


PRICES: dict[str, str] = {}


def moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


class Life:
    """A club from nothing, its provider, and the hours that pass."""

    def __init__(self, fixtures: Any) -> None:
        app, worker_app, superuser, sign_in = fixtures
        self.app, self.worker_app, self.superuser = app, worker_app, superuser
        Cleaner(superuser).clean()
        for person in EVERYBODY:
            superuser.execute(
                "insert into users (id, email, first_name, email_verified) values (%s, %s, %s, true)",
                [person.id, person.email, person.first_name],
            )
        with superuser.transaction():
            superuser.execute(
                "insert into family_plans (id, primary_user_id, plan_name, billing_cycle)"
                " values (%s, %s, 'Frank and friends', 'monthly')",
                [cast.FAMILY, FRANK.id],
            )
            for person, role in ((FRANK, "primary"), (GRACE, "member")):
                superuser.execute(
                    "insert into family_memberships (plan_id, user_id, role, state, joined_at)"
                    " values (%s, %s, %s, 'active', now())",
                    [cast.FAMILY, person.id, role],
                )
        self.browsers = {person: sign_in(person) for person in EVERYBODY}
        self.knocker = app.test_client()
        self.now = datetime.now(UTC).replace(microsecond=0)
        settings = app.config["SETTINGS"]
        self.world = Stripe(
            ":memory:", endpoint=(f"{settings.public_url}/webhooks/stripe", settings.stripe_webhook_secret)
        )
        line = package.StripeClient(self.world.api_key, http_client=self.world.transport)
        self.before = [(side, side.extensions["provider"]) for side in (app, worker_app)]
        for side in (app, worker_app):
            side.extensions["provider"] = line
        with app.app_context(), at(self.now):
            provider.sync_plans()
        with self.world.books() as books:
            PRICES.update((price["id"], price["metadata"]["plan"]) for price in books.rows("price"))
        self.books, self.refunds = Books(self.world), 0
        self.bag: list[Delivery] = []
        self.held: list[reading.CustomerSnapshot] = []
        self.pages: list[str] = []
        serve(worker_app)

    def over(self) -> None:
        for side, line in self.before:
            side.extensions["provider"] = line

    # -- what people do ------------------------------------------------------------------------------------------------
    def later(self, by: timedelta = SECOND) -> None:
        self.now += by
        with at(self.now):
            self.world.advance()

    def press(self, person: Person, path: str, **form: str) -> Any:
        self.later()
        self.superuser.execute("delete from rate_limits")
        self.stays_signed_in(self.now)
        with at(self.now):
            answer = self.browsers[person].submit(path, **form)
        assert answer.status_code in FINE, answer.text
        return answer

    def stays_signed_in(self, when: datetime) -> None:
        self.superuser.execute("update sign_ins set seen_at = %s, created_at = %s", [when, when])

    def choose(self, person: Person, plan: str, cycle: str, second_machine: bool = False) -> str | None:
        """To the payment page, if one opens. On a second machine the first page stays open too."""
        if second_machine:
            self.superuser.execute("update checkouts set state = 'expired' where user_id = %s", [person.id])
        here = self.press(person, "/plans/choose", plan=plan, cycle=cycle).location or ""
        if here.startswith("/checkouts/") and not here.endswith("back=1"):
            page: str = self.press(person, f"{here}/pay").location.rsplit("/", 1)[-1]
            self.pages.append(page)
            return page
        return None

    def pay(self, page: str, card: str, confirm: bool | None) -> str:
        self.later()
        with at(self.now):
            return self.world.pay(page, card, confirm)

    def change(self, person: Person, plan: str, cycle: str) -> None:
        path = f"/plan/change/{plan}/{cycle}"
        self.later()
        self.stays_signed_in(self.now)
        with at(self.now):
            answer = self.browsers[person].get(path)
        assert answer.status_code in FINE, answer.text
        form = {
            name: answer.text.split(f'name="{name}" value="')[1].split('"')[0]
            for name in ("at", "minor")
            if f'name="{name}"' in answer.text
        }
        self.press(person, path, **form)

    def pays_with(self, person: Person, card: str, open_bills: bool) -> None:
        """Another card from now on; with `open_bills` what was open is paid with it."""
        self.later()
        with at(self.now):
            with self.world.books() as books:
                for who in books.rows("customer", "json_extract(body, '$.metadata.user_id') = ?", str(person.id)):
                    subscriptions.change_card(books, who, customers.keep_card(books, CARDS[card], who))
                bills = [b["id"] for b in books.rows("invoice") if b["status"] == "open"]
            for bill in bills if open_bills else ():
                with self.app.app_context():
                    try:
                        provider.client().v1.invoices.pay(bill)
                    except (package.CardError, package.InvalidRequestError):
                        continue

    def refund(self, which: int, share: float) -> None:
        """So much of one of the payments goes back, if the provider lets it."""
        self.later()
        with at(self.now), self.app.app_context():
            with self.world.books() as books:
                paid = [c for c in books.rows("charge", order="asc") if c["status"] == "succeeded"]
            if paid:
                charge = paid[which % len(paid)]
                self.refunds += 1
                left = charge["amount"] - charge["amount_refunded"]
                try:
                    provider.give_back(charge["payment_intent"], f"life-{self.refunds}", max(1, int(left * share)))
                except provider.ProviderDown:
                    if left:
                        assert charge["disputed"]

    def dispute(self, which: int) -> None:
        self.later()
        with at(self.now):
            with self.world.books() as books:
                paid = [
                    c for c in books.rows("charge", order="asc") if c["status"] == "succeeded" and not c["disputed"]
                ]
            if paid and not paid[which % len(paid)]["refunded"]:
                self.world.dispute(paid[which % len(paid)]["payment_intent"])

    def close_disputes(self, won: bool) -> None:
        self.later()
        with at(self.now):
            with self.world.books() as books:
                waiting = [d["id"] for d in books.rows("dispute") if d["status"] == "needs_response"]
            for each in waiting:
                self.world.close_dispute(each, won)

    # -- what the post and the worker do -------------------------------------------------------------------------------
    def post(self, random: Random) -> None:
        """Some letters arrive, in any order, some twice; some stay in the bag, some are lost for good."""
        self.later()
        with at(self.now):
            self.world.deliver(self.into_the_bag)
            random.shuffle(self.bag)
            for letter in self.bag[:4]:
                for _ in range(random.choice((1, 1, 2))):
                    self.knock(letter)
            self.bag = [letter for letter in self.bag[4:] if random.random() < 0.6]

    def into_the_bag(self, letter: Delivery) -> int:
        self.bag.append(letter)
        return 200

    def knock(self, letter: Delivery) -> None:
        answer = self.knocker.post("/webhooks/stripe", data=letter.body, headers=letter.headers)
        assert answer.status_code == 200

    def work(self, random: Random) -> None:
        """Some jobs are done, in any order; a slow worker asks now and writes what it heard later."""
        self.later()
        todo = self.superuser.execute(
            "select id, task_name, args from procrastinate_jobs where status = 'todo'"
            " and task_name like 'billing.refetch%' order by id"
        ).fetchall()
        with at(self.now):
            for number, name, arguments in random.sample(todo, min(2, len(todo))):
                self.superuser.execute("update procrastinate_jobs set status = 'succeeded' where id = %s", [number])
                if "customer_id" in arguments and random.random() < 0.3:
                    with self.worker_app.app_context():
                        self.held.append(reading.fetch(arguments["customer_id"]))
                elif name == "billing.refetch":
                    jobs.refetch.work(**arguments)
                else:
                    jobs.refetch_payer.work(**arguments)
            if self.held and random.random() < 0.5:
                self.write(self.held.pop(random.randrange(len(self.held))))

    def write(self, received: reading.CustomerSnapshot) -> None:
        with self.worker_app.app_context():
            act_as(db.session(), WORKER)
            if not duplicates.find_duplicates(db.session(), received):  # with twins a worker would have asked again
                snapshot.apply_snapshot(db.session(), received)
                db.session.commit()
            db.session.rollback()

    def receive(self) -> None:
        """Every payer is asked for, as if all letters of the moment had come and all their jobs were done."""
        self.later()
        self.bag.clear()
        self.superuser.execute("delete from procrastinate_jobs where task_name like 'billing.refetch%'")
        with at(self.now):
            with self.world.books() as books:
                names = [c["id"] for c in books.rows("customer")]
            for name in names:
                jobs.refetch.work(customer_id=name)

    def settle(self) -> None:
        """The night: everybody is compared, and every payer asked for once more; then old answers come late."""
        self.later()
        with at(self.now):
            jobs.reconcile.work()
        self.receive()
        with at(self.now):
            for received in self.held:
                self.write(received)
            jobs.expire.work()
            jobs.expire_checkouts.work()

    # -- what came of it -----------------------------------------------------------------------------------------------
    def orders(self, person: Person) -> set[Row]:
        return set(
            self.superuser.execute(
                "select provider_invoice_id, status, amount_minor, (refunded_amount * 100)::int, dispute_state, period_start, period_end"
                " from orders where user_id = %s and provider_invoice_id is not null",
                [person.id],
            ).fetchall()
        )

    def plans(self, person: Person) -> set[Row]:
        return set(
            self.superuser.execute(
                "select provider_subscription_id, status, subscription_type, billing_cycle, ends_at, renews_at, ended_by, is_duplicate"
                " from subscriptions where user_id = %s",
                [person.id],
            ).fetchall()
        )

    def kept(self) -> int:
        kept: int = one(
            self.superuser,
            "select coalesce(sum(case when dispute_state = 'lost' then 0 else amount_minor - (refunded_amount * 100)::int end), 0)"
            " from orders where status in ('completed', 'refunded')",
        )
        return kept

    def live(self) -> list[int]:
        plans = "select count(*) from subscriptions where status = any(%s) and not is_duplicate group by user_id"
        return [n for (n,) in self.superuser.execute(plans, [list(LIVE)])]

    def entitled(self, person: Person, when: datetime) -> bool:
        return one(self.superuser, "select entitled(%s, %s)", person.id, when) is True

    def page_says(self, person: Person, when: datetime) -> bool:
        self.stays_signed_in(when)
        with at(when):
            return words(self.browsers[person].get("/account/access"), "h1").startswith("Yes")

    def comes_in(self, person: Person, when: datetime) -> bool:
        """Whether the door of a meeting that runs at that moment opens."""
        begin = (when - 10 * SECOND).astimezone(cast.ISTANBUL)
        meeting = plan_meeting(
            self.superuser, "Now", scheduled_date=begin.date(), start_time=begin.time().replace(microsecond=0)
        )
        self.stays_signed_in(when)
        with at(when):
            answer = self.browsers[person].submit(f"/meetings/{meeting.id}/join")
        self.superuser.execute("delete from meetings")
        assert answer.status_code in (303, 409), answer.text
        return bool(answer.status_code == 303)
