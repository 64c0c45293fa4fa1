"""Promises every page keeps: WCAG 2.2 AA in both themes, 320 pixels, whole words at every width, a quiet console, other
people's colours."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from playwright.sync_api import Page, expect

from portal import club
from portal.accounts.passwords import hashed
from portal.sandbox.club import PASSWORD
from tests.browser.conftest import Open
from tests.conftest import As
from tests.support.accessibility import AXE, TOO_WIDE, violations
from tests.support.cast import FAMILY, ISTANBUL, Person, crowd, plan_meeting
from tests.support.pages import (
    ADMIN,
    BROKEN_WORDS,
    FAMILY_MEMBER,
    FAMILY_PRIMARY,
    GRACE,
    MEMBER,
    NO_ACCESS,
    VISITOR,
    WIDTHS,
    Stop,
)
from tests.support.server import Database
from tests.support.web import settings_for

# A yearly family plan of somebody's, one payment of it partly given back, and an event of the provider's.
PAYS = """
with payer as (insert into payers (customer_id, user_id, fetched_at) values ('cus_1', %(who)s, now())),
     heard as (insert into provider_events (id, kind, customer_id, created_at, received_at, handled_at, outcome)
               values ('evt_1', 'invoice.paid', 'cus_1', now(), now(), now(), 'order GO-1 paid')),
     plan as (insert into subscriptions (user_id, provider_subscription_id, status, subscription_type, billing_cycle, amount_minor,
                currency, started_at, renews_at, grace_days, card, card_expires)
              values (%(who)s, 'sub_1', 'active', 'family', 'yearly', 24000, 'USD', now() - interval '20 days',
                now() + interval '345 days', 7, 'Visa ••4242', '12/30'))
insert into orders (user_id, order_number, status, amount, amount_minor, refunded_amount, subscription_type, billing_cycle,
  payment_method, provider_payment_id, completed_at, period_start, period_end)
values (%(who)s, 'GO-1', 'completed', 240, 24000, 10, 'family', 'yearly', 'Visa ••4242', 'pi_1', now() - interval '20 days',
  now() - interval '20 days', now() + interval '345 days')
"""
# The renewal failed two days ago, and nothing else lets the person in.
FAILED = """
update subscriptions set status = 'past_due', failed_at = now() - interval '2 days', next_try_at = now() + interval '1 day';
update orders set period_start = now() - interval '370 days', period_end = now() - interval '2 days' where order_number = 'GO-1';
delete from access_grants where user_id = (select user_id from subscriptions);
select refresh_projection(user_id, now()) from subscriptions
"""
# What a worker left: a job that ran, a dry run, and what the doctor found.
WORKED = """
insert into last_runs values ('attendance.fetch_recordings', now(), now(), true) on conflict do nothing;
insert into runs (name, began_at, ended_at, well, outcome)
values ('dry run of operations.tidy', now(), now(), true, '62 rows of one_time_tokens would be deleted.');
insert into runs (name, began_at, ended_at, well, outcome, details)
values ('doctor', now(), now(), false, '1 part needs mending.', '{"findings": [
  {"part": "Database", "well": null, "words": "OWNER_DATABASE_URL was not given, so portal_owner was not tried.", "remedy": "Give it."},
  {"part": "Signature", "well": false, "remedy": "",
   "words": "The DKIM signature leaves out List-Unsubscribe and List-Unsubscribe-Post (RFC 8058 4)."},
  {"part": "Clock", "well": true, "words": "This machine and the database have the same time.", "remedy": ""}]}')
"""

Named = dict[str, object]


@pytest.fixture
def programme(
    superuser: psycopg.Connection, database: Database, as_: As, alice: Person, bob: Person, charlie: Person
) -> Named:
    """Charlie's evenings, one for each thing that can be so, in a club that was started."""
    with database.connect("portal_web", autocommit=True) as connection:
        club.first_start(connection, settings_for(database))

    def plan(title: str, days: float, **columns: object) -> object:
        starts = (datetime.now(ISTANBUL) + timedelta(days=days)).replace(microsecond=0)
        when = {"scheduled_date": starts.date(), "start_time": starts.time()}
        return plan_meeting(superuser, title, **{**when, "max_attendees": 12, "host_name": "Selin Aydın", **columns}).id

    def answer(person: Person, meeting: object, wish: str = "accepted") -> None:
        with as_(person) as db:
            db.execute("select rsvp(%s, %s)", [meeting, wish])

    named: Named = {
        "live": plan("Open floor", -0.01, description="A question, **half-finished**."),
        "ahead": plan("The week in review", 1),
        "waiting": plan("Letters, read aloud", 2, max_attendees=1),
        "requested": plan("Early circle", 3, requires_approval=True),
        "offered": plan("Mending hour", 4, max_attendees=1),
        "cancelled": plan("Film and talk", 5, status="cancelled", cancellation_reason="The host is ill."),
        "over": plan("Quiet work hour", -1),
        "mail": uuid4(),
        "person": alice.id,
        "payer": charlie.id,
        "invitation": "/family/join/tomas",
        "family": f"/admin/families/{FAMILY}",
        "receipt": "/orders/GO-1",
        "refund": "/admin/orders/GO-1/refund",
        "change": "/plan/change/individual/monthly",
    }
    superuser.execute(PAYS, {"who": charlie.id})
    superuser.execute(WORKED)
    superuser.execute("insert into credentials values (%s, %s, now())", [charlie.id, hashed(PASSWORD)])
    superuser.execute(
        "insert into family_memberships (plan_id, state, email, token_hash, sent_at, expires_at)"
        " values (%s, 'invited', 'tomas@duarte.example', sha256('tomas'), array[now()], now() + interval '14 days')",
        [FAMILY],
    )
    for meeting in ("waiting", "offered"):
        answer(alice, named[meeting])
    for meeting in ("waiting", "offered", "requested", "ahead"):
        answer(charlie, named[meeting])
    answer(alice, named["offered"], "declined")
    with as_(bob) as db:
        db.execute("select join_meeting(%s, 'mobile', 10)", [named["live"]])
    superuser.execute(
        "insert into sandbox_mails (id, recipient, subject, text, received_at)"
        " values (%s, 'frida@club.example', 'Confirm your address', 'One press: https://club.example/verify/x', now())",
        [named["mail"]],
    )
    return named


@pytest.fixture
def walk(open_: Open, programme: Named) -> Callable[[Person | None, tuple[Stop, ...]], list[str]]:
    """Go to every stop as a person; the answer is all that is wrong there."""

    def go(person: Person | None, stops: tuple[Stop, ...]) -> list[str]:
        page, wrong = open_(person, reduced_motion="reduce"), []  # no colour is caught half-way to another
        page.add_init_script(path=AXE)
        for stop in stops:
            page.set_viewport_size({"width": 1280, "height": 900})
            stop.go(page, programme)
            wrong += [f"{stop.name}, {words}" for words in violations(page)]
            for width in WIDTHS:
                page.set_viewport_size({"width": width, "height": 640})
                found = page.evaluate(BROKEN_WORDS) + page.evaluate(TOO_WIDE)
                wrong += [f"{stop.name}, {width} px: {words}" for words in found]
        return wrong

    return go


Walk = Callable[[Person | None, tuple[Stop, ...]], list[str]]


def test_a_visitors_pages(walk: Walk) -> None:
    assert walk(None, VISITOR) == []


def test_a_members_pages(walk: Walk, charlie: Person) -> None:
    assert walk(charlie, MEMBER) == []


def test_a_word_wider_than_a_phone_is_broken(
    open_: Open, programme: Named, superuser: psycopg.Connection, charlie: Person
) -> None:
    superuser.execute("update meetings set title = repeat('Donaudampfschiff', 7) where id = %s", [programme["ahead"]])
    page = open_(charlie, viewport={"width": 320, "height": 640})
    for path in ("/meetings", f"/meetings/{programme['ahead']}", "/meetings/week"):
        page.goto(path)
        assert page.evaluate(TOO_WIDE) == [], path


def test_the_pages_of_somebody_in_grace(walk: Walk, charlie: Person, superuser: psycopg.Connection) -> None:
    superuser.execute(FAILED)
    assert walk(charlie, GRACE) == []


def test_the_pages_of_a_family(walk: Walk, alice: Person, bob: Person) -> None:
    assert walk(bob, FAMILY_MEMBER[:-1]) == []
    assert walk(alice, FAMILY_PRIMARY) == []


def test_the_page_of_who_is_asked_to_take_over_and_of_who_leaves(
    walk: Walk, superuser: psycopg.Connection, alice: Person, bob: Person
) -> None:
    superuser.execute("update family_plans set transfer_to = %s, transfer_proposed_at = now()", [bob.id])
    assert walk(bob, (Stop("family-asked-me", "/family"), FAMILY_MEMBER[-1])) == []


def test_the_pages_of_somebody_without_access(walk: Walk, eve: Person) -> None:
    assert walk(eve, NO_ACCESS) == []


def test_an_admins_pages(walk: Walk, dora: Person) -> None:
    assert walk(dora, ADMIN) == []


NARROW = """<div style="width: 5ch; font: 16px monospace; overflow-wrap: anywhere">
<p>Amount</p><p>07:49:36</p><p>well-known</p><p>30&nbsp;May</p><p>one two six</p></div>"""


def test_the_measure_sees_a_broken_word_and_nothing_else(open_: Open) -> None:
    page = open_()
    page.set_content(NARROW)
    assert page.evaluate(BROKEN_WORDS) == ["Amoun|t", "07:49|:36", "30\N{NO-BREAK SPACE}Ma|y"]


BOX = "e => { const s = getComputedStyle(e); return [s.borderTopStyle, s.borderTopWidth, s.color, s.backgroundColor] }"


def test_in_a_readers_own_colours_the_answer_still_shows(open_: Open, charlie: Person, programme: Named) -> None:
    page = open_(charlie, f"/meetings/{programme['ahead']}", forced_colors="active")
    chosen, other = (page.get_by_role("button", name=name).evaluate(BOX) for name in ("I’m coming", "Not this time"))
    assert chosen[3] != other[3], "the answer that was given looks like the other one"
    assert all(box[0] == "solid" and box[1] != "0px" for box in (chosen, other))
    assert page.locator(".band").evaluate(BOX)[0] == "solid"


def test_who_wants_no_motion_gets_none(open_: Open, charlie: Person, programme: Named) -> None:
    page = open_(charlie, f"/meetings/{programme['live']}", reduced_motion="reduce")
    page.get_by_role("button", name="Join the meeting").hover()
    page.locator(".roster li").evaluate_all("all => all.forEach(e => e.classList.add('fresh'))")
    assert page.evaluate("document.getAnimations().length") == 0


def test_the_dark_is_dark_from_the_first_paint(open_: Open) -> None:
    page = open_(path="/sign-in", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(15, 18, 29)"
    assert page.evaluate("getComputedStyle(document.querySelector('input[type=password]')).colorScheme") == "light dark"


def test_text_twice_as_large_still_fits_a_phone(open_: Open, charlie: Person, programme: Named) -> None:
    page = open_(charlie, viewport={"width": 375, "height": 800})
    for path in ("/meetings", f"/meetings/{programme['live']}", "/account", "/orders"):
        page.goto(path)
        page.evaluate("document.documentElement.style.setProperty('font-size', '200%')")
        assert page.evaluate(TOO_WIDE) == [], path


def test_two_hundred_people_of_every_name_fit(
    open_: Open, superuser: psycopg.Connection, charlie: Person, programme: Named
) -> None:
    fill_room(superuser, programme["live"], 200)
    page = open_(charlie, f"/meetings/{programme['live']}", viewport={"width": 320, "height": 640})
    expect(page.locator("#live-count b")).to_have_text("201")
    expect(page.locator(".roster li").last).to_have_text("and 141 more")
    assert page.evaluate(TOO_WIDE) == []
    assert overlapping(page) == []
    page.set_viewport_size({"width": 1280, "height": 900})
    assert overlapping(page) == []


NAMES = (
    "מרים",
    "عبد الرحمن محمد علي",
    "Wolfeschlegelsteinhausenbergerdorffwelchevoralternwaren",
    "王",
    "Ana-Maria Ileana",
)


def fill_room(superuser: psycopg.Connection, meeting: object, size: int) -> None:
    ids = [guest.id for guest in crowd(superuser, size)]
    superuser.execute(
        "update users set first_name = name from unnest(%s::uuid[], %s::text[]) as new (id, name)"
        " where users.id = new.id",
        [ids, [NAMES[n % 5] if n % 3 == 0 else f"Guest {n}" for n in range(size)]],
    )
    superuser.execute(
        "insert into presences (meeting_id, user_id, joined_at, seen_at, device_type)"
        " select %s, unnest(%s::uuid[]), now(), now(), 'mobile'",
        [meeting, ids],
    )


def overlapping(page: Page) -> list[str]:
    """Entries of the roll whose name runs into the minute, or whose minute breaks."""
    return page.evaluate("""
        () => [...document.querySelectorAll(".roster li:has(time)")].filter(li => {
          const [name, minute] = ["bdi", "time"].map(s => li.querySelector(s).getBoundingClientRect());
          const end = li.getBoundingClientRect().right + 1;
          return name.right > minute.left + 1 || minute.right > end || minute.height > 25;
        }).map(li => li.innerText)
    """)
