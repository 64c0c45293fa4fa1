"""`make screenshots`: every page and state of the demo club, on a phone and a desk, light and dark.

They go to var/screenshots/, and the two the README shows to tests/screenshots/.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
from playwright.sync_api import Browser, Page

from portal.config import ROOT
from portal.sandbox.club import PASSWORD, current_code
from portal.sandbox.people import ANA, BILAL, SELIN
from tests.conftest import TEST_DATA
from tests.support import chromium, server
from tests.support.club_server import ClubServer
from tests.support.pages import ADMIN, FAMILY_MEMBER, FAMILY_PRIMARY, GRACE, MEMBER, NO_ACCESS, VISITOR, themes
from tests.support.windows import chromium_running

TARGET, README = ROOT / "var" / "screenshots", ROOT / "tests" / "screenshots"
WIDTHS = {375: 812, 1280: 900}
LAPSED = "select email from users where access_until < now() order by email limit 1"
SHARED = "lurdes@sapo.pt"
LATE = "sam.taylor@gmail.com"

# The meetings and the mail a path may name, as the demo's member sees them.
NAMED = """
select min(id::text) filter (where starts_at < now() and ends_at > now()) as live,
       min(id::text) filter (where title = 'Letters, read aloud') as waiting,
       min(id::text) filter (where title = 'Early circle') as requested,
       min(id::text) filter (where title = 'Mending hour') as offered,
       min(id::text) filter (where status = 'cancelled') as cancelled,
       (array_agg(id::text order by ends_at desc) filter (where ends_at < now()))[1] as over,
       (array_agg(id::text order by starts_at) filter (where starts_at > now() + interval '1 day'))[1] as ahead,
       (select id::text from users where email = 'ana@duarte.pt') as person,
       (select id::text from users where email = 'bilal@rahman.uk') as payer,
       (select '/orders/' || order_number from orders where status = 'completed' and user_id =
         (select id from users where email = 'bilal@rahman.uk') order by created_at desc limit 1) as receipt,
       (select '/admin/orders/' || order_number || '/refund' from orders where status = 'completed'
           and provider_payment_id is not null order by created_at desc limit 1) as refund,
       '/plan/change/family/monthly' as change,
       (select id::text from sandbox_mails where subject = 'Confirm your address' limit 1) as mail,
       (select substring(text from '/family/join/[A-Za-z0-9_-]+') from sandbox_mails
         where recipient = 'tomas@duarte.pt' order by received_at desc limit 1) as invitation,
       (select '/admin/families/' || id from family_plans where plan_name = 'The Duarte family') as family
from meetings
"""


def main() -> None:
    """Plant, open, take them all, close."""
    began = time.monotonic()
    TARGET.mkdir(parents=True, exist_ok=True)
    README.mkdir(exist_ok=True)
    with (
        server.shared(TEST_DATA) as postgres,
        server.new_database(postgres, TEST_DATA, "screenshots") as database,
        tempfile.TemporaryDirectory() as folder,
    ):
        club = ClubServer(database, Path(folder))
        club.portal("plant")
        try:
            club.open()
            with chromium_running() as browser, database.connect(autocommit=True) as superuser:
                taken = sum(1 for _ in pictures(browser, club, superuser))
        finally:
            club.close()
    print(f"{taken} pictures in {TARGET.relative_to(ROOT)}/ in {time.monotonic() - began:.0f} s.")


def pictures(browser: Browser, club: ClubServer, superuser: psycopg.Connection) -> Iterator[Path]:
    """Take every picture; yields where it went."""
    named = names(superuser)
    (lapsed,) = superuser.execute(LAPSED).fetchone() or ("",)
    for width, height in WIDTHS.items():
        walks = (
            ("", VISITOR),
            (BILAL, MEMBER),
            (SHARED, FAMILY_MEMBER[:-1]),
            (ANA, FAMILY_PRIMARY),
            (lapsed, NO_ACCESS),
            (LATE, GRACE),
            (SELIN, ADMIN),
        )
        for email, stops in walks:
            page = browser.new_page(
                base_url=club.url, viewport={"width": width, "height": height}, timezone_id="Europe/Berlin"
            )
            if email:
                superuser.execute("update second_factors set last_step = 0")  # both widths within half a minute
                sign_in(page, email)
            for stop in stops:
                stop.go(page, named)
                for theme in themes(page):
                    file = TARGET / f"{stop.name}-{width}-{theme}.png"
                    page.screenshot(path=file, full_page=True, animations="disabled")
                    yield file
                if width == 1280 and stop.name in ("meetings", "meeting-live"):
                    page.emulate_media(color_scheme="light")
                    page.screenshot(path=README / f"{stop.name}.png", animations="disabled")
            page.close()


def names(superuser: psycopg.Connection) -> dict[str, object]:
    """What the paths may name; the worker may still be sending the club's first mails."""
    with superuser.cursor(row_factory=psycopg.rows.dict_row) as cursor:
        for _second in range(60):
            named = cursor.execute(NAMED).fetchone() or {}
            if named["mail"] and named["invitation"]:
                return named
            time.sleep(1)
    raise AssertionError(f"The demo club lacks {sorted(name for name in named if not named[name])}")


def sign_in(page: Page, email: str) -> None:
    """By the form, as anybody does."""
    page.goto("/sign-in")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    if email == SELIN:
        page.get_by_label("Code").fill(current_code())
        page.get_by_role("button", name="Go on").click()
    page.wait_for_url("**/meetings")


if __name__ == "__main__":
    try:
        chromium.path()
    except chromium.NoChromium as none:
        sys.exit(str(none))
    main()
