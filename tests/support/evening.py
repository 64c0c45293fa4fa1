"""What members and admins of a real club do in their browsers around a meeting."""

import re
from datetime import UTC, datetime, timedelta

import pyotp
from playwright.sync_api import Browser, Page, expect

from tests.support.real_club import RealClub

PASSWORD = "seven quiet boats"


def address_of(name: str) -> str:
    return f"{name.lower()}@members-of-goalete.org"


def member_joins_the_club(browser: Browser, club: RealClub, name: str) -> Page:
    """From the front page to the meetings, by the link of the mail."""
    page, address = browser.new_context(base_url=club.url, ignore_https_errors=True).new_page(), address_of(name)
    page.goto("/sign-up")
    page.get_by_label("First name").fill(name)
    page.get_by_label("E-mail").fill(address)
    page.get_by_role("button", name="Create account").click()
    (link,) = set(re.findall(r"https://\S+/verify/\S+", club.mail(address, "Confirm your address")))
    page.goto(link)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Come in").click()
    expect(page).to_have_url(re.compile("/meetings$"))
    return page


def admin_sets_up_second_factor(page: Page) -> None:
    """What an admin's first visit asks for."""
    page.goto("/admin")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Set it up").click()
    secret = page.locator("code").inner_text().replace("-", "")
    page.get_by_label("Code").fill(pyotp.TOTP(secret).now())
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_role("link", name="I have them").click()


def plan_meeting(page: Page, title: str, host: str, link: str = "", platform: str = "link") -> None:
    """An admin plans a meeting that begins in five minutes, so its doors are open."""
    start = (datetime.now(UTC) + timedelta(minutes=5)).replace(second=0)
    page.goto("/admin/meetings/new")
    page.get_by_label("Title").fill(title)
    page.get_by_label("Host’s e-mail").fill(host)
    page.get_by_label("Date").fill(start.date().isoformat())
    page.get_by_label("Start", exact=True).fill(f"{start:%H:%M}")
    page.locator("select[name=timezone]").select_option("UTC")
    page.locator("select[name=platform]").select_option(platform)
    page.get_by_label("Link to the room").fill(link)
    page.get_by_role("button", name="Plan it").click()
    expect(page.get_by_text(f"{title} is on the programme.")).to_be_visible()


def open_meeting(page: Page, title: str) -> None:
    page.goto("/meetings")
    page.get_by_role("link", name=title, exact=True).first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(title)


def comes(page: Page, title: str) -> None:
    """A member says yes on the meeting's page."""
    open_meeting(page, title)
    page.get_by_role("button", name="I’m coming").click()
    expect(page.get_by_text("You’re coming").first).to_be_visible()


def enter_room(page: Page) -> Page:
    """Join pressed on the meeting's page: the tab that opened."""
    with page.context.expect_page() as opened:
        page.get_by_role("button", name="Join").first.click()
    opened.value.wait_for_load_state()
    return opened.value
