"""A real club that never heard of Stripe sells a plan, and one that is free has nothing to sell: each from an empty database."""

import re

import pytest
from playwright.sync_api import expect

from tests.conftest import TEST_DATA
from tests.support import server
from tests.support.evening import address_of, member_joins_the_club
from tests.support.real_club import real_club

IBAN = "Transfer the amount to IBAN TR33 0006 1005 1978 6457 8413 26 of the club."


@pytest.fixture(scope="module", params=["transfer", "free"])
def club(request, server_url, tmp_path_factory):
    """Each with a database of its own."""
    way = {"transfer": {"PAYMENT_INSTRUCTIONS": IBAN}, "free": {"MEMBERSHIP": "free"}}[request.param]
    folder = tmp_path_factory.mktemp(request.param)
    with server.new_database(server_url, TEST_DATA, request.param) as database, real_club(database, folder) as club:
        club.take_no_cards(**way)
        club.open()
        yield club


@pytest.mark.parametrize("club", ["transfer"], indirect=True)
def test_a_plan_is_ordered_paid_outside_and_marked(club, browser, ana):
    frida = member_joins_the_club(browser, club, "Frida")
    frida.goto("/plans")
    frida.get_by_role("button", name=re.compile("Order a year.*Individual")).click()
    expect(frida.get_by_text(IBAN)).to_be_visible()
    assert IBAN in club.mail(address_of("Frida"), "How to pay your order")
    number = re.search(r"GO-[\d-]+", frida.locator("main").inner_text())[0]
    ana.goto("/admin/money")
    ana.get_by_role("link", name=re.compile(f"Mark as paid.*{number}")).click()
    ana.get_by_label("Reference").fill("Statement 12, line 3")
    ana.get_by_role("button", name="Mark as paid").click()
    expect(ana.get_by_text(f"Order {number} is paid.")).to_be_visible()
    assert "Paid: $120.00" in club.mail(address_of("Frida"), "Your receipt")
    frida.reload()
    expect(frida.get_by_role("heading", name="It is paid.")).to_be_visible()


@pytest.mark.parametrize("club", ["free"], indirect=True)
def test_in_a_free_club_whoever_confirms_is_in(club, browser, ana):
    gustav = member_joins_the_club(browser, club, "Gustav")
    gustav.goto("/account/access")
    expect(gustav.get_by_role("heading", name="Yes. The club is free for its members.")).to_be_visible()
    ana.goto("/admin")
    expect(ana.get_by_role("link", name="Money")).to_have_count(0)
