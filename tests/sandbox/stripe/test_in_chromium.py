"""The pages in a real browser, with every card, in both themes, on a small screen and without JavaScript."""

import pytest
from playwright.sync_api import expect

from portal.config import ROOT
from portal.sandbox.stripe.cards import CARDS
from portal.sandbox.stripe.serve import Server
from tests.sandbox.stripe.account import Account
from tests.support.windows import chromium_running

pytestmark = pytest.mark.browser
AXE = ROOT / "var" / "npm" / "node_modules" / "axe-core" / "axe.min.js"
WRONG = """async () => (await axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}))
  .violations.flatMap(v => v.nodes.map(n => `${v.id} at ${n.target}`))"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """An account that is served, told of by its real address, from now on."""
    made = Account(str(tmp_path_factory.mktemp("shop") / "stripe.sqlite"), begin=None)
    server = Server(made.world, port=0).start()
    made.world.page_url = f"http://127.0.0.1:{server.port}"
    yield made
    server.stop()


@pytest.fixture(scope="module")
def chromium():
    with chromium_running() as browser:
        yield browser


@pytest.fixture
def window(chromium):
    """A narrow window in which no page may complain, and scripts are off."""
    context = chromium.new_context(viewport={"width": 320, "height": 700}, java_script_enabled=False)
    context.set_default_timeout(5_000)
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if "422" not in message.text else None)
    yield page
    context.close()
    assert complaints == []


def here(shop):
    """A page to pay on that leads back to the account at a glance."""
    home = shop.world.page_url
    return shop.session(success_url=f"{home}/?paid={{CHECKOUT_SESSION_ID}}", cancel_url=f"{home}/")


@pytest.mark.parametrize("card", CARDS.values(), ids=lambda card: card.what)
def test_every_card_at_the_till(shop, window, card):
    session = here(shop)
    window.goto(session.url)
    window.get_by_role("link", name=card.number[-4:]).click()
    window.get_by_role("button", name="Pay 10.00 EUR").click()
    if card.asks:
        window.get_by_role("button", name="Confirm").click()
    if card.at_once:
        expect(window.locator("#number-words")).to_have_text(card.at_once[0])
        window.get_by_label("Card number").fill("4242 4242 4242 4242")
        window.get_by_role("button", name="Pay 10.00 EUR").click()
    window.wait_for_url(f"**/?paid={session.id}")
    assert shop.api.checkout.sessions.retrieve(session.id).payment_status == "paid"


def test_the_customers_own_page(shop, window):
    sub = shop.subscribe()
    window.goto(shop.wallet(return_url=f"{shop.world.page_url}/").url)
    window.get_by_role("button", name="Cancel at the end").first.click()
    expect(window.get_by_role("button", name="Resume").first).to_be_visible()
    assert shop.see(sub).cancel_at_period_end
    window.get_by_role("link", name="5555").click()
    window.get_by_role("button", name="Use this card").click()
    expect(window.get_by_text("Mastercard ending in").first).to_be_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_page_is_for_everybody(shop, chromium, theme):
    sub, open_, done = shop.subscribe(), here(shop), here(shop)
    shop.world.pay(done.id)
    context = chromium.new_context(viewport={"width": 320, "height": 700}, color_scheme=theme)
    page = context.new_page()
    for where in (
        "/",
        f"/c/pay/{open_.id}",
        f"/c/pay/{done.id}",
        shop.wallet().url,
        f"/i/{sub.latest_invoice.id}",
        "/no",
    ):
        page.goto(where if where.startswith("http") else shop.world.page_url + where)
        page.evaluate(AXE.read_text())
        assert page.evaluate(WRONG) == [], where
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, where
        assert page.locator("h1").count() == 1
    context.close()


def test_a_wrong_form_is_for_everybody_too(shop, chromium):
    context = chromium.new_context(viewport={"width": 320, "height": 700})
    page = context.new_page()
    page.goto(here(shop).url)
    page.get_by_role("button", name="Pay").click()
    page.evaluate(AXE.read_text())
    assert page.evaluate(WRONG) == [] and page.locator("[aria-invalid]").count() == 3
    context.close()
