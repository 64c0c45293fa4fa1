"""Answering a meeting, with scripts and without, by mouse and by keyboard."""

import re

import psycopg
from playwright.sync_api import Page, expect

from tests.browser.conftest import Open
from tests.support.cast import Meeting, Person, plan_meeting
from tests.support.windows import Windows


def yes(page: Page) -> None:
    page.get_by_role("button", name="I’m coming").click()


def test_an_answer_changes_its_place_on_the_page_and_nothing_else(open_: Open, alice: Person, supper: Meeting) -> None:
    page = open_(alice, f"/meetings/{supper.id}")
    page.evaluate("document.body.dataset.same = 'page'")
    yes(page)
    expect(page.get_by_role("button", name="I’m coming")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#main [data-said]")).to_be_focused()
    expect(page.locator("#main [data-said]")).to_have_text("You’re coming")
    expect(page.get_by_text("1 of 2 places taken")).to_be_visible()
    expect(page.locator("body")).to_have_attribute("data-same", "page")
    page.reload()
    expect(page.locator("#main [data-said]")).to_have_text("You’re coming")


def test_the_band_and_a_row_take_answers_too(
    open_: Open, alice: Person, supper: Meeting, quiet: Meeting, superuser: psycopg.Connection
) -> None:
    page = open_(alice, "/meetings")
    for place in (page.locator(".band"), page.locator("article")):
        place.get_by_role("button", name="Not this time").click()
        expect(place.locator("[data-said]")).to_be_focused()
        expect(place.locator("[data-said]")).to_contain_text("You said no")
    page.locator("article summary").click()
    page.locator("article").get_by_role("button", name="I’m coming").click()
    expect(page.locator("article [data-said]")).to_have_text("You’re coming")


def test_rows_of_one_list_are_answered_side_by_side(
    open_: Open, alice: Person, supper: Meeting, superuser: psycopg.Connection
) -> None:
    for title in ("Second table", "Third table"):
        plan_meeting(superuser, title)
    page = open_(alice, "/meetings")
    presses = "rows => { for (const row of rows) row.querySelector('[value=place]').click() }"
    page.locator("article").evaluate_all(presses)
    for row in page.locator("article").all():
        expect(row.locator("[data-said]")).to_have_text("You’re coming")
    expect(page.locator("article [data-said]")).to_have_count(2)


def test_a_row_that_did_not_reach_us_says_so_and_can_be_sent_again(
    open_: Open, alice: Person, supper: Meeting, quiet: Meeting, windows: Windows
) -> None:
    page = open_(alice, "/meetings")
    row, button = page.locator("article"), page.locator("article").get_by_role("button", name="I’m coming")
    page.route("**/answer", lambda route: route.abort())
    button.click()
    expect(row.get_by_role("alert")).to_have_text("That did not reach us. Try again in a moment.")
    windows.complaints.clear()  # of the request that failed
    page.unroute("**/answer")
    button.click()
    expect(row.locator("[data-said]")).to_have_text("You’re coming")
    expect(page.get_by_role("alert")).to_have_count(0)


def test_without_scripts_the_same_forms_do(open_: Open, alice: Person, supper: Meeting, quiet: Meeting) -> None:
    page = open_(alice, f"/meetings/{supper.id}", java_script_enabled=False)
    yes(page)
    expect(page).to_have_url(re.compile(f"/meetings/{supper.id}$"))
    expect(page.get_by_role("button", name="I’m coming")).to_have_attribute("aria-pressed", "true")
    page.goto("/meetings")
    page.locator("article").get_by_role("button", name="Not this time").click()
    expect(page).to_have_url(re.compile("/meetings#answer-"))
    expect(page.get_by_text("You said no").first).to_be_visible()


def test_who_waits_sees_the_place_the_moment_it_is_given_back(
    open_: Open, alice: Person, bob: Person, superuser: psycopg.Connection
) -> None:
    table = plan_meeting(superuser, "Table for one", max_attendees=1)
    first, second = open_(alice, f"/meetings/{table.id}"), open_(bob, f"/meetings/{table.id}")
    yes(first)
    expect(second.get_by_role("button", name="Join the line")).to_be_visible()
    second.get_by_role("button", name="Join the line").click()
    expect(second.get_by_text("Waiting, first in line")).to_be_visible()
    first.get_by_role("button", name="Not this time").click()
    expect(second.locator("#main [data-said]")).to_contain_text("A place is yours until")
    expect(second.locator("#news")).to_contain_text("A place is yours until")  # for who does not see it
    second.get_by_role("button", name="Take it").click()
    expect(second.get_by_text("You’re coming")).to_be_visible()
    expect(first.get_by_text("Every place is taken")).to_be_visible()


def test_too_late_is_one_sentence_and_the_page_shows_how_it_stands(
    open_: Open, alice: Person, supper: Meeting, superuser: psycopg.Connection
) -> None:
    page = open_(alice, "/meetings")
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'ill'")
    yes(page)
    expect(page.get_by_text("This meeting is cancelled. There is nothing left to decide.")).to_be_focused()
    expect(page.get_by_role("button", name="I’m coming")).to_have_count(0)


def test_signed_out_elsewhere_the_answer_leads_to_the_door(
    open_: Open, alice: Person, supper: Meeting, superuser: psycopg.Connection, windows: Windows
) -> None:
    page = open_(alice, f"/meetings/{supper.id}")
    superuser.execute("update sign_ins set ended_at = now()")
    yes(page)
    expect(page).to_have_url(re.compile(f"/sign-in.*{supper.id}"))
    windows.complaints.clear()  # the stream may have been refused before the press


def test_signed_out_by_another_page_of_the_browser_it_does_too(open_: Open, alice: Person, supper: Meeting) -> None:
    page = open_(alice, "/meetings")
    other = page.context.new_page()
    other.goto("/account")
    other.get_by_role("button", name="Sign out", exact=True).click()
    expect(other.get_by_role("link", name="Sign in")).to_be_visible()
    yes(page)
    expect(page.get_by_text("You have been signed out.")).to_be_visible()
    expect(page).to_have_url(re.compile("/sign-in"))


def test_a_form_of_another_sign_in_is_refused_beside_what_is_there(open_: Open, alice: Person, supper: Meeting) -> None:
    page = open_(alice, f"/meetings/{supper.id}")
    page.evaluate("document.querySelectorAll('[name=csrf_token]').forEach(e => e.value = 'old')")
    for _twice in range(2):
        yes(page)
        expect(page.get_by_role("alert")).to_contain_text("This form was open in another sign-in.")
    expect(page.locator("main")).to_have_count(1)
    page.get_by_role("link", name="Load this page again").click()
    yes(page)
    expect(page.locator("#main [data-said]")).to_have_text("You’re coming")


def test_two_quick_presses_are_one_answer(open_: Open, alice: Person, supper: Meeting) -> None:
    page = open_(alice, f"/meetings/{supper.id}")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else None)
    page.get_by_role("button", name="I’m coming").evaluate("button => { button.click(); button.click() }")
    expect(page.get_by_text("1 of 2 places taken")).to_be_visible()
    assert len(sent) == 1


def test_the_keyboard_alone_signs_in_and_answers(
    open_: Open, alice: Person, supper: Meeting, superuser: psycopg.Connection
) -> None:
    from portal.accounts.passwords import hashed

    superuser.execute(
        "insert into credentials (user_id, password_hash, changed_at) values (%s, %s, now())",
        [alice.id, hashed("nine each evening")],
    )
    page = open_(path="/")
    tab_to(page, "Sign in")
    page.keyboard.press("Enter")
    page.wait_for_url("**/sign-in")
    tab_to(page, "", "email")
    page.keyboard.type(alice.email)
    tab_to(page, "", "password")
    page.keyboard.type("nine each evening")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("/meetings$"))
    tab_to(page, "I’m coming")
    page.keyboard.press("Space")
    expect(page.locator(".band [data-said]")).to_be_focused()
    expect(page.get_by_role("button", name="I’m coming")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("Shift+Tab")
    assert "no-" in page.evaluate("document.activeElement.id"), "focus goes on from the sentence, not from the top"


FOCUSED = """
() => { const e = document.activeElement, style = getComputedStyle(e);
        return [e.innerText?.trim() ?? "", e.id, style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2] }
"""


def tab_to(page: Page, words: str, id_: str = "") -> None:
    """Press Tab until the thing with these words or this id has focus; on the way focus is always to be seen."""
    for _stop in range(40):
        page.keyboard.press("Tab")
        text, focused, visible = page.evaluate(FOCUSED)
        assert visible, f"nobody sees that {text or focused!r} has focus"
        if (id_ and focused == id_) or (words and text == words):
            return
    raise AssertionError(f"Tab does not lead to {words or id_!r}")
