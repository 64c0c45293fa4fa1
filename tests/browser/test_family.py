"""A family's life by hand, with scripts and without: invited, in, sharing, asked, removed and back, gone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.cast import Person

TOMAS = "tomas@duarte.example"


def open_invitation(page: Page, address: str) -> None:
    """By the link of the mail, as soon as the worker has brought it."""
    mail = page.get_by_role("link", name="A seat at the club is held for you")
    for _try in range(100):
        page.goto(f"/sandbox/mailbox?q={address}")
        if mail.count():
            mail.first.click()
            return page.locator("a[href*='/family/join/']").click()
        page.wait_for_timeout(100)
    raise AssertionError("no invitation came within ten seconds")


def seats(page: Page) -> list[str]:
    return page.locator(".seats h3").all_inner_texts()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
def test_a_family_lives(open_: Open, alice: Person, bob: Person, scripts: bool) -> None:
    options = {"java_script_enabled": scripts}
    primary, newcomer, member = open_(alice, "/family", **options), open_(None, **options), open_(bob, **options)

    primary.get_by_label("Invite somebody").fill(TOMAS)
    primary.get_by_role("button", name="Invite", exact=True).click()
    expect(primary.get_by_text("One more is invited")).to_be_visible()

    open_invitation(newcomer, TOMAS)
    newcomer.get_by_label("First name").fill("Tomás")
    newcomer.get_by_label("Password").fill("seven quiet boats")
    newcomer.get_by_label("Time zone").select_option("Europe/Lisbon")
    newcomer.get_by_role("button", name="Create account and take the seat").click()
    expect(newcomer.get_by_text("you are in the family")).to_be_visible()
    assert seats(newcomer) == ["Alice", "Bob", "Tomás"]

    member.goto("/family")
    member.get_by_role("button", name="Share my evenings").click()
    primary.goto("/family")
    expect(primary.get_by_text("Shares evenings: there was none yet")).to_be_visible()

    primary.get_by_label("New primary").select_option("Bob")
    primary.get_by_role("button", name="Ask to take over").click()
    member.goto("/family")
    expect(member.get_by_role("button", name="Take over, pay monthly")).to_be_visible()
    member.get_by_role("button", name="No, thank you").click()
    expect(member.get_by_text("Everything stays as it was.")).to_be_visible()

    primary.goto("/family")
    primary.get_by_role("button", name="Remove Tomás").click()
    message = primary.get_by_role("status").filter(has_text="Tomás was removed from the family")
    expect(message).to_be_visible()
    if scripts:
        expect(message).to_be_focused()
    assert seats(primary) == ["Alice", "Bob", "Tomás"]  # removed, with the way back beside the name
    primary.get_by_role("button", name="Take back the removal of Tomás").click()
    expect(primary.get_by_text("Tomás has the seat again and is told by mail.")).to_be_visible()
    assert seats(primary) == ["Alice", "Bob", "Tomás"]

    newcomer.goto("/family")
    newcomer.get_by_role("link", name="Leave", exact=True).click()
    expect(newcomer.get_by_text("From that moment the plan no longer covers you.")).to_be_visible()
    newcomer.get_by_role("button", name="Leave the family").click()
    expect(newcomer).to_have_url(re.compile("/family$"))
    expect(newcomer.get_by_text("You are in no family plan.")).to_be_visible()

    primary.goto("/family")
    primary.get_by_role("link", name="End the plan").click()
    primary.get_by_role("button", name="End the plan").click()
    expect(primary.get_by_text("The plan ends then, and everyone has been told.")).to_be_visible()


def test_a_refused_address_keeps_what_was_typed(open_: Open, alice: Person) -> None:
    page = open_(alice, "/family")
    page.get_by_label("Invite somebody").fill("bob@club.example")
    page.get_by_role("button", name="Invite", exact=True).click()
    expect(page.get_by_label("Invite somebody")).to_have_value("bob@club.example")
    expect(page.get_by_label("Invite somebody")).to_have_attribute("aria-invalid", "true")
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Somebody with this address is in your family already.")
