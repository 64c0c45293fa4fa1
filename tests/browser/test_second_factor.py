"""An admin and the second factor, by hand and with scripts off: set up, asked for, lost."""

import re
from collections.abc import Callable

import psycopg
import pyotp
import pytest
from playwright.sync_api import Page, expect

from portal.accounts.passwords import hashed
from tests.browser.conftest import Open
from tests.support.accessibility import AXE, TOO_WIDE, violations
from tests.support.cast import Person

PASSWORD = "nine each evening"


@pytest.fixture
def admin(superuser: psycopg.Connection, dora: Person) -> Person:
    """Dora, who has a password and no app yet."""
    superuser.execute("insert into credentials values (%s, %s, now())", [dora.id, hashed(PASSWORD)])
    return dora


def sign_in(page: Page, person: Person, path: str = "/admin") -> None:
    page.goto(f"/sign-in?next={path}")
    page.get_by_label("E-mail").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()


def give(page: Page, code: str, button: str = "Go on") -> None:
    page.get_by_label("Code").fill(code)
    page.get_by_role("button", name=button).click()


def suspend(page: Page, seen: Callable[[str], None] = lambda _name: None) -> None:
    """From somebody's page, with the reason it asks for."""
    page.get_by_role("link", name="Suspend").click()
    seen("suspend")
    page.get_by_label("Reason").fill("Shouts at the host.")
    page.get_by_role("button", name="Suspend them").click()


def set_up(page: Page, seen: Callable[[str], None] = lambda _name: None) -> tuple[str, list[str]]:
    """From the page of the second factor to the recovery codes: the secret, and those."""
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Scan this with your app")
    picture = page.get_by_role("img", name="A QR code")
    expect(picture).to_have_js_property("complete", True)
    assert picture.evaluate("image => image.naturalWidth > 0")
    secret = page.locator("code").inner_text().replace("-", "")
    seen("second-factor-set-up")
    give(page, pyotp.TOTP(secret).now(), "Switch it on")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ten recovery codes")
    seen("recovery-codes")
    return secret, page.locator(".codes code").all_inner_texts()


def test_an_admin_sets_it_up_signs_in_with_it_and_loses_the_phone(
    open_: Open, superuser: psycopg.Connection, admin: Person
) -> None:
    page = open_(java_script_enabled=False)
    sign_in(page, admin)
    expect(page.get_by_text("Admins sign in with a second factor.")).to_be_visible()
    secret, recovery_codes = set_up(page)
    page.get_by_role("link", name="I have them").click()
    expect(page).to_have_url(re.compile("/admin$"))

    page.goto("/account")
    page.get_by_role("button", name="Sign out").click()
    superuser.execute("update second_factors set last_step = 0")  # half a minute later
    sign_in(page, admin, "/admin/people")
    give(page, pyotp.TOTP(secret).now())
    expect(page).to_have_url(re.compile("/admin/people$"))

    another = open_(java_script_enabled=False)
    sign_in(another, admin)
    give(another, "000000")
    expect(another.get_by_text("That code does not fit").first).to_be_visible()
    give(another, recovery_codes[6])
    expect(another).to_have_url(re.compile("/admin$"))


def test_what_matters_asks_once_more_and_goes_on(
    open_: Open, superuser: psycopg.Connection, admin: Person, charlie: Person
) -> None:
    page = open_(java_script_enabled=False)
    sign_in(page, admin)
    secret, _codes = set_up(page)
    superuser.execute("update sign_ins set proved_at = proved_at - interval '31 minutes'")
    superuser.execute("update second_factors set last_step = 0")
    page.goto(f"/admin/people/{charlie.id}")
    suspend(page)
    expect(page.get_by_role("heading", level=1)).to_have_text("Enter a code again")
    give(page, pyotp.TOTP(secret).now())
    expect(page.get_by_text("Charlie is suspended. They are told by mail.")).to_be_visible()
    expect(page.get_by_text("Suspended", exact=True)).to_be_visible()


def test_its_pages_are_for_everybody(
    open_: Open, superuser: psycopg.Connection, admin: Person, charlie: Person
) -> None:
    wrong: list[str] = []
    page = open_(reduced_motion="reduce")
    page.add_init_script(path=AXE)

    def seen(name: str) -> None:
        for width in (1280, 375, 320):
            page.set_viewport_size({"width": width, "height": 800})
            wrong.extend(f"{name}, {width}, {words}" for words in violations(page))
            wrong.extend(f"{name}, {width}: {words}" for words in page.evaluate(TOO_WIDE))

    sign_in(page, admin)
    seen("second-factor-asked")
    set_up(page, seen)
    page.goto("/account/second-factor")
    seen("second-factor-on")
    superuser.execute("update sign_ins set proved_at = proved_at - interval '31 minutes'")
    page.goto(f"/admin/people/{charlie.id}")
    seen("person")
    suspend(page, seen)
    seen("prove-again")
    page.context.clear_cookies()
    sign_in(page, admin)
    seen("sign-in-code")
    give(page, "0")
    seen("sign-in-code-refused")
    assert wrong == []


def test_a_browser_remembers_nothing_of_it(open_: Open, admin: Person) -> None:
    page = open_()
    sign_in(page, admin)
    set_up(page)
    for path in ("/admin", "/meetings", "/account"):
        page.goto(path)
        assert page.evaluate("localStorage.length + sessionStorage.length") == 0
    with page.expect_navigation(wait_until="load"):
        page.get_by_role("button", name="Sign out").click()
    page.go_back()
    expect(page).to_have_url(re.compile("/sign-in"))
