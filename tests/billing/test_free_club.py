"""A club in which nobody pays: whoever confirmed an address is let in, and no page speaks of plans, prices or orders."""

import re
from datetime import timedelta

import pytest

from portal.billing.jobs import follow_membership
from portal.families.jobs import end_lapsed
from tests.support import ways
from tests.support.cast import ALICE, BOB, CHARLIE, DORA, EVE
from tests.support.reading import do, one, words


@pytest.fixture(scope="module")
def app(migrated):
    yield from ways.pages(migrated, **ways.FREE)


@pytest.fixture(scope="module")
def worker_app(migrated):
    yield from ways.worker(migrated, **ways.FREE)


@pytest.fixture
def club(people, worker_app):
    """The cast in it, after the worker has looked."""
    do(worker_app, follow_membership)


def is_in(superuser, person):
    return one(superuser, "select access_until > now() from users where id = %s", person.id) is True


def test_whoever_confirms_an_address_is_let_in_at_once(client, superuser, work, mails):
    client.submit("/sign-up", first_name="Fay", email="fay@club.example", timezone="UTC")
    work()
    page = re.search(r"https://localhost(/verify/\S+)", mails("fay@club.example")[0]["text"])[1]
    assert client.submit(page, password="lamp window quiet nine").location == "/meetings"
    assert one(superuser, "select access_until > now() from users") is True
    assert one(superuser, "select kind from access_grants") == "free"
    assert words(client.get("/account/access")).count("Yes. The club is free for its members.") == 1


def test_who_was_here_before_is_let_in_by_the_worker(club, superuser, sign_in, supper):
    assert is_in(superuser, EVE)
    assert "you need a plan" not in words(sign_in(EVE).get("/meetings"))
    assert sign_in(EVE).submit(f"/meetings/{supper.id}/answer", answer="accepted").status_code == 303


def test_whoever_did_not_confirm_is_not(people, superuser, worker_app):
    superuser.execute("update users set email_verified = false where id = %s", [EVE.id])
    do(worker_app, follow_membership)
    assert not is_in(superuser, EVE)


MONEY = re.compile(r"\bplans?\b|\bpa(?:y|id|ys|yment)\b|\bprices?\b|\borders\b|Stripe|3000|\$\d")


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/help",
        "/terms",
        "/privacy",
        "/sign-up",
        "/meetings",
        "/account",
        "/account/access",
        "/family",
        "/account/close",
    ],
)
@pytest.mark.parametrize("person", [None, EVE, ALICE], ids=["a visitor", "a member", "who leads a family"])
def test_no_page_speaks_of_money(club, client, sign_in, person, path):
    browser = sign_in(person) if person else client
    answer = browser.get(path)
    sentences = words(answer, "body").replace("PayPal", "").split(".")
    of_money = [sentence for sentence in sentences if MONEY.search(sentence)]
    assert [sentence for sentence in of_money if not re.search("to plan, work|the club plan$", sentence)] == []
    assert not re.search(r'href="/(?:plans?|orders|admin/money)"', answer.text)


@pytest.mark.parametrize("path", ["/plans", "/plan", "/orders", "/orders.csv", "/plan/end"])
def test_the_pages_of_money_are_not_there(club, sign_in, path):
    assert sign_in(ALICE).get(path).status_code == 404


@pytest.mark.parametrize("path", ["/admin/money", f"/admin/people/{ALICE.id}/money"])
def test_nor_those_for_admins(club, sign_in, path):
    assert sign_in(DORA).get(path).status_code == 404


@pytest.mark.parametrize("path", ["/admin", "/admin/people", f"/admin/people/{EVE.id}", "/admin/families"])
def test_pages_for_admins_show_no_money_and_no_date_without_meaning(club, sign_in, path):
    answer = sign_in(DORA).get(path)
    assert answer.status_code == 200 and "3000" not in answer.text and "/admin/money" not in answer.text


def test_a_family_is_for_the_asking_and_has_no_end(club, sign_in, superuser, work, worker_app, now):
    eve = sign_in(EVE)
    eve.submit("/family/start")
    work()
    assert "One person is in." in words(eve.get("/family"))
    eve.submit("/family/invitations", email="fay@club.example")
    do(worker_app, end_lapsed, now + timedelta(days=60))
    assert one(superuser, "select is_active from family_plans where primary_user_id = %s", EVE.id)


def test_a_family_is_taken_over_by_one_press(club, sign_in, superuser, work):
    sign_in(ALICE).submit("/family/transfer", person=str(BOB.id))
    assert sign_in(CHARLIE).submit("/family/transfer/accept").status_code == 404
    sign_in(BOB).submit("/family/transfer/accept")
    work()
    assert one(superuser, "select primary_user_id from family_plans where is_active") == BOB.id


def test_a_club_that_takes_money_again_ends_it(club, superuser, worker_app, monkeypatch):
    paid = ways.settings(worker_app, stripe_key="", membership="paid", payment_instructions=ways.IBAN)
    monkeypatch.setitem(worker_app.config, "SETTINGS", paid)
    do(worker_app, follow_membership)
    assert not is_in(superuser, EVE) and is_in(superuser, CHARLIE)
