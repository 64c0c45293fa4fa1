"""Web and worker killed at the steps of paying: nothing paid is lost, and nothing is paid, written or told twice."""

import contextlib
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from portal.billing import provider
from portal.config import sandbox_secret
from portal.sandbox.stripe import serve, world
from tests.conftest import TEST_DATA
from tests.faults.breakable import SHUT, STANDING, WORK, Breakable, until
from tests.support.cast import Person
from tests.support.club_server import SECRET, ClubServer, free_port
from tests.support.server import new_database
from tests.support.toll import Toll

CHOICE = {"plan": "individual", "cycle": "monthly"}
TWICE = ("order-paid", "order-refunded", "twin")
DOING = "select from procrastinate_jobs where status = 'doing' and task_name = 'billing.refetch' for update"


class Shop(Breakable):
    """The portal's processes, the provider beside them, and one person after the other who pays."""

    def __init__(self, database, club, toll):
        super().__init__(database, club, stripe_url=toll.page_url)
        self.world = toll
        with self.app.app_context():
            provider.sync_plans()

    def newcomer(self):
        """Somebody new, signed in."""
        name = uuid4()
        who = Person(name, f"{name.hex[:8]}@club.example", "Nora")
        self.postgres.execute(
            "insert into users (id, email, first_name, email_verified) values (%s, %s, 'Nora', true)",
            [who.id, who.email],
        )
        self.faulty.sign_in(who)
        return who

    def choose(self, who, **other):
        """The address of a checkout."""
        return self.click(who, "/plans/choose", **{**CHOICE, **other})

    def page(self, who, here):
        """On to the provider: the payment page's session."""
        return self.click(who, f"{here}/pay").rsplit("/", 1)[-1]

    def nudge(self):
        """What is due is told."""
        self.world.deliver(lambda each: serve.send(each))

    def at_rest(self):
        """Everything told and everything done."""
        self.meanwhile(lambda: not self.world.undelivered() and not self.one(WORK))

    def books(self, who, kind):
        """What the provider has of a kind for one person."""
        with self.world.books() as books:
            known = {each["id"] for each in books.rows("customer") if each["metadata"].get("user_id") == str(who.id)}
            return [
                each for each in books.rows(kind) if (each["id"] if kind == "customer" else each["customer"]) in known
            ]

    def proves(self, who, orders, messages):
        """One customer, one live subscription and one charge over there; the same here, told once; no promise broken.

        `messages`: what was written to this person; None where it depends on who was faster.
        """
        self.at_rest()
        [customer] = self.books(who, "customer")
        [live] = [each["id"] for each in self.books(who, "subscription") if each["status"] == "active"]
        assert self.world.ledger().customers[customer["id"]] == {"usd": 1200}
        ours = "select provider_subscription_id from subscriptions where user_id = %s and status = 'active' and not is_duplicate"
        assert self.postgres.execute(ours, [who.id]).fetchall() == [(live,)]
        said = self.postgres.execute("select status from orders where user_id = %s", [who.id]).fetchall()
        assert Counter(status for (status,) in said) == Counter(orders)
        told = self.postgres.execute(
            "select kind from mails where user_id = %s and state = 'sent'", [who.id]
        ).fetchall()
        if messages is not None:
            assert Counter(kind for (kind,) in told) == Counter(messages)
        assert self.one("select count(*) from sandbox_mails where recipient = %s", who.email) == len(told)
        assert self.one("select subscription_status from users where id = %s", who.id) == "active"
        assert self.one("select count(*) from procrastinate_jobs where status = 'failed'") == 0
        assert self.broken() == []


@pytest.fixture(scope="module")
def shop(server_url, tmp_path_factory):
    """One club for all that is broken here; each test has a payer of its own."""
    folder = tmp_path_factory.mktemp("money")
    with (
        new_database(server_url, TEST_DATA, "money") as database,
        database.as_demo(),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(world, "PAUSES", (1,))  # a delivery that failed comes again after a second
        club, port = ClubServer(database, folder), free_port()
        toll = Toll(
            folder / "stripe",
            f"http://127.0.0.1:{port}",
            endpoint=(f"{club.url}/webhooks/stripe", sandbox_secret(SECRET)),
        )
        club.environment["STRIPE_URL"] = toll.page_url
        door = serve.Server(toll, port=port).start()
        try:
            club.open()
            with contextlib.closing(Shop(database, club, toll)) as made:
                yield made
        finally:
            club.close()
            door.stop()


@pytest.fixture
def nora(shop):
    """A member without a plan, signed in."""
    return shop.newcomer()


# --- on the way to the payment page ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "call"),
    [
        ("after", "POST /v1/customers"),
        ("before", "POST /v1/checkout/sessions"),
        ("after", "POST /v1/checkout/sessions"),
    ],
)
def test_web_is_killed_on_the_way_to_the_page_and_the_next_click_leads_to_the_one(shop, nora, when, call):
    here = shop.choose(nora)
    reached = shop.world.stop_at(when, call, shop.club.kill_web)
    assert shop.click(nora, f"{here}/pay") is None and reached.wait(5)
    shop.club.start_web()
    session = shop.page(nora, here)
    assert [each["id"] for each in shop.books(nora, "checkout.session")] == [session]
    assert shop.world.pay(session) == "complete"
    shop.proves(nora, orders=["completed"], messages=["order-paid"])


def test_a_page_that_was_made_while_web_was_killed_and_one_chosen_after_it_are_one_plan_if_both_are_paid(shop, nora):
    here = shop.choose(nora)
    reached = shop.world.stop_at("after", "POST /v1/checkout/sessions", shop.club.kill_web)
    assert shop.click(nora, f"{here}/pay") is None and reached.wait(5)
    shop.club.start_web()
    shop.page(nora, shop.choose(nora))
    for page in shop.books(nora, "checkout.session"):
        assert shop.world.pay(page["id"]) == "complete"
    shop.proves(nora, orders=["completed", "refunded"], messages=TWICE)


# --- the provider's knock --------------------------------------------------------------------------------------------


def test_what_happened_while_web_was_dead_is_heard_when_it_lives_again(shop, nora):
    session = shop.page(nora, shop.choose(nora))
    shop.at_rest()
    shop.club.kill_web()
    assert shop.world.pay(session) == "complete"
    shop.meanwhile(lambda: any(each.attempts for each in shop.world.undelivered()))
    shop.club.start_web()
    shop.proves(nora, orders=["completed"], messages=["order-paid"])


def test_web_is_killed_while_it_notes_a_knock_and_the_next_is_noted_instead(shop, nora):
    session = shop.page(nora, shop.choose(nora))
    shop.at_rest()
    with shop.held_up("provider_events", "portal_web") as standing:
        assert shop.world.pay(session) == "complete"
        standing()
        shop.club.kill_web()
    shop.club.start_web()
    shop.proves(nora, orders=["completed"], messages=["order-paid"])


def test_web_is_killed_with_a_knock_noted_and_not_answered_and_hears_it_twice(shop, nora, monkeypatch):
    session = shop.page(nora, shop.choose(nora))
    shop.at_rest()
    send, killed = serve.send, threading.Event()

    def unanswered(delivery):
        status = send(delivery)
        if killed.is_set():
            return status
        killed.set()
        shop.club.kill_web()
        return 0

    monkeypatch.setattr(serve, "send", unanswered)
    assert shop.world.pay(session) == "complete"
    until(lambda: any(each.attempts for each in shop.world.undelivered()))
    shop.club.start_web()
    shop.proves(nora, orders=["completed"], messages=["order-paid"])


# --- while the provider is asked, and after ---------------------------------------------------------------------------


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_worker_is_killed_while_it_asks_and_the_next_asks_again(shop, nora, when):
    session = shop.page(nora, shop.choose(nora))
    shop.at_rest()
    reached = shop.world.stop_at(when, "GET /v1/subscriptions", shop.club.kill_worker)
    assert shop.world.pay(session) == "complete"
    shop.meanwhile(reached.is_set)
    shop.worker_again()
    shop.proves(nora, orders=["completed"], messages=["order-paid"])


def test_the_worker_is_killed_in_the_middle_of_writing_and_no_half_is_left(shop, nora):
    session = shop.page(nora, shop.choose(nora))
    shop.at_rest()
    with shop.held_up("subscriptions", "portal_worker") as standing:
        assert shop.world.pay(session) == "complete"
        standing()
        shop.club.kill_worker()
    assert shop.one("select status from orders where user_id = %s", nora.id) == "pending"
    shop.worker_again()
    shop.proves(nora, orders=["completed"], messages=["order-paid"])


def test_the_worker_is_killed_with_all_written_and_its_job_not_ticked_off_and_writes_nothing_twice(shop, nora):
    session = shop.page(nora, shop.choose(nora))
    shop.at_rest()
    with shop.database.connect() as held:
        reached = shop.world.stop_at("after", "GET /v1/checkout/sessions/*", lambda: held.execute(DOING))
        assert shop.world.pay(session) == "complete"
        shop.meanwhile(lambda: reached.is_set() and shop.one(STANDING, "portal_worker"))
        assert shop.one("select status from orders where user_id = %s", nora.id) == "completed"
        shop.club.kill_worker()
        shop.postgres.execute(SHUT, ["portal_worker"])
        held.rollback()
        assert held.execute(DOING).fetchall() != []
    shop.worker_again()
    shop.proves(nora, orders=["completed"], messages=["order-paid"])


# --- a second page paid ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("when", "call"),
    [("before", "DELETE /v1/subscriptions/*"), ("before", "POST /v1/refunds"), ("after", "POST /v1/refunds")],
    ids=["marked", "ended", "given back"],
)
def test_the_worker_is_killed_while_it_takes_a_second_plan_back(shop, nora, when, call):
    first = shop.page(nora, shop.choose(nora))
    shop.postgres.execute(
        "update checkouts set state = 'expired' where user_id = %s", [nora.id]
    )  # a second machine's luck
    second = shop.page(nora, shop.choose(nora))
    shop.at_rest()
    reached = shop.world.stop_at(when, call, shop.club.kill_worker)
    assert shop.world.pay(first) == shop.world.pay(second) == "complete"
    shop.meanwhile(reached.is_set)
    shop.worker_again()
    shop.proves(nora, orders=["completed", "refunded"], messages=TWICE)


# --- at once ---------------------------------------------------------------------------------------------------------


def together(*clicks):
    """All at the same moment: what each came to."""
    start = threading.Barrier(len(clicks))
    with ThreadPoolExecutor(len(clicks)) as hands:
        return [
            done.result() for done in [hands.submit(lambda click=click: (start.wait(), click())[1]) for click in clicks]
        ]


def test_two_browsers_click_twice_each_at_once_and_all_are_led_to_one_page_and_one_charge(shop, nora):
    here, phone = shop.choose(nora), shop.faulty.cookie(nora)
    shop.faulty.sign_in(nora)
    laptop = shop.faulty.cookie(nora)
    pages = together(*[lambda cookie=cookie: shop.click(nora, f"{here}/pay", cookie) for cookie in (phone, laptop) * 2])
    [session] = shop.books(nora, "checkout.session")
    assert {page.rsplit("/", 1)[-1] for page in pages} == {session["id"]}
    assert set(together(*[lambda: shop.world.pay(session["id"])] * 2)) >= {"complete"}
    shop.proves(nora, orders=["completed"], messages=["order-paid"])


def test_two_browsers_choose_at_once_and_whatever_pages_can_be_paid_it_is_one_charge(shop, nora):
    def buy():
        here = shop.choose(nora)
        return here and shop.click(nora, f"{here}/pay")

    together(*[buy] * 4)
    paid = [shop.world.pay(page["id"]) for page in shop.books(nora, "checkout.session")].count("complete")
    assert paid
    orders = ["completed"] + ["refunded"] * (paid - 1) + ["failed"] * (4 - paid)
    shop.proves(nora, orders, messages=None if paid > 1 else ["order-paid"])
