"""From a stranger to a member who comes and goes: the pages of an account, by hand."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open

ADDRESS, PASSWORD = "frida@club.example", "seven quiet boats"


def sign_up(page: Page) -> None:
    page.goto("/sign-up")
    page.get_by_label("First name").fill("Frida")
    page.get_by_label("E-mail").fill(ADDRESS)
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Look in your mail")


def read_mail(page: Page, subject: str) -> None:
    """The mail, as soon as the worker has brought it."""
    mail = page.get_by_role("link", name=subject)
    for _try in range(100):
        page.goto(f"/sandbox/mailbox?q={ADDRESS}")
        if mail.count():
            return mail.first.click()
        page.wait_for_timeout(100)
    raise AssertionError(f"{subject!r} did not come within ten seconds")


def choose_password(page: Page) -> None:
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Come in").click()


def test_the_link_of_the_mail_lets_a_newcomer_in_and_out_again(open_: Open) -> None:
    page = open_()
    sign_up(page)
    read_mail(page, "Confirm your address")
    page.locator("a[href*='/verify/']").click()
    choose_password(page)
    expect(page.get_by_text("Your address is confirmed")).to_be_visible()
    expect(page).to_have_url(re.compile("/meetings$"))
    page.goto("/account")
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_text("You are signed out.")).to_be_visible()
    page.goto("/meetings")
    expect(page).to_have_url(re.compile("/sign-in"))


def test_the_code_of_the_mail_does_as_well(open_: Open) -> None:
    page, mailbox = open_(), open_()
    sign_up(page)
    read_mail(mailbox, "Confirm your address")
    (code,) = re.findall(r"\b\d{6}\b", mailbox.locator("pre").inner_text())
    page.get_by_label("Code").fill(f"{code[:3]} {code[3:]}")
    page.get_by_role("button", name="Go on").click()
    choose_password(page)
    expect(page).to_have_url(re.compile("/meetings$"))


@pytest.mark.parametrize(
    ("named", "listed"),
    [
        ("America/St_Johns", "America/St_Johns"),
        ("Asia/Katmandu", "Asia/Kathmandu"),
    ],  # browsers keep names the tables gave up
)
def test_the_zone_is_the_one_the_browser_names(open_: Open, named: str, listed: str) -> None:
    page = open_(path="/sign-up", timezone_id=named)
    expect(page.get_by_label("Time zone")).to_have_value(listed)
    expect(page.get_by_text("Your browser says")).to_be_visible()


def test_a_zone_once_chosen_stays(open_: Open) -> None:
    page = open_(path="/sign-up", timezone_id="Asia/Kathmandu")
    page.get_by_label("Time zone").select_option("Europe/Lisbon")
    page.get_by_role("button", name="Create account").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Time zone")).to_have_value("Europe/Lisbon")


def test_what_is_wrong_is_said_first_and_what_was_typed_stays(open_: Open) -> None:
    page = open_(path="/sign-up")
    page.get_by_label("Last name").fill("Lund")
    page.get_by_label("E-mail").fill("frida at home")
    page.get_by_role("button", name="Create account").click()
    summary = page.get_by_role("alert")
    expect(summary).to_be_focused()
    expect(summary).to_contain_text("Two answers need another look")
    expect(page.get_by_label("Last name")).to_have_value("Lund")
    expect(page.get_by_label("E-mail")).to_have_value("frida at home")
    expect(page.get_by_label("E-mail")).to_have_attribute("aria-invalid", "true")
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("#email$"))
