"""Why somebody has access, or not: a sentence for every reason, the same for page, rule and door."""

from datetime import timedelta

import pytest

from portal.billing import entitlement
from portal.clock import at
from portal.times import Viewer, date_in_words
from tests.support.cast import ISTANBUL
from tests.support.orders import given, order, refresh_projection, refunded
from tests.support.reading import plain, words
from tests.support.waitlist import one

DAY = timedelta(days=1)
PLAN = """
insert into subscriptions (user_id, provider_subscription_id, status, subscription_type, billing_cycle, amount_minor, currency,
  started_at, grace_days, ends_at, ended_at, ended_by, failed_at)
values (%(who)s, 'sub_1', %(status)s, 'individual', 'monthly', 1200, 'USD', now(), 7, %(ends_at)s, %(ended_at)s, %(ended_by)s,
  %(failed_at)s)
"""


@pytest.fixture
def panel(sign_in, eve):
    """`panel(moment)`: Eve's own, at a moment."""
    browser = sign_in(eve)

    def look(moment=None):
        if moment is None:
            return words(browser.get("/account/access"))
        with at(moment):
            return words(browser.get("/account/access"))

    return look


def plan(superuser, person, now, status="active", **columns):
    given_columns = {"ends_at": None, "ended_at": None, "ended_by": None, "failed_at": None, **columns}
    superuser.execute(PLAN, {"who": person.id, "status": status, **given_columns})
    refresh_projection(superuser, person, now)


def test_nothing_yet(panel):
    assert "Not yet." in panel() and "No plan, no family and no gift so far." in panel()


@pytest.mark.parametrize(
    ("status", "columns", "said"),
    [
        ("active", {}, "it renews then."),
        ("active", {"ends_at": 20}, "it ends then."),
        ("past_due", {"failed_at": -1}, "the renewal failed."),
        ("canceled", {"ended_at": -1, "ended_by": "choice"}, "you ended it."),
        ("canceled", {"ended_at": -1, "ended_by": "failure"}, "the renewal failed."),
    ],
)
def test_a_plan_of_ones_own_in_each_of_its_phases(panel, superuser, eve, now, status, columns, said):
    order(superuser, eve, (now - 10 * DAY, now + 20 * DAY))
    plan(superuser, eve, now, status, **{k: now + v * DAY if isinstance(v, int) else v for k, v in columns.items()})
    assert "Your own plan, Individual" in panel() and said in panel()


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("welcome", "The club gives everybody their first days."),
        ("complimentary", "Given by the club: A birthday."),
        ("offline", "Paid outside the portal: A birthday."),
        ("gift", "Given to you: A birthday."),
    ],
)
def test_days_without_an_order_each_by_their_kind(panel, superuser, eve, now, kind, said):
    given(superuser, eve, now + 5 * DAY, now - DAY, kind)
    assert said in panel() and "Yes, until" in panel()


def test_a_family_is_named_with_its_payer(sign_in, bob):
    said = words(sign_in(bob).get("/account/access"))
    assert "Alice and friends, a family plan Paid by Alice" in said


def test_money_that_went_back_is_no_reason_any_more(panel, superuser, eve, now):
    bought = order(superuser, eve, (now - DAY, now + 29 * DAY))
    assert "Yes, until" in panel()
    refunded(superuser, bought, now)
    assert "Not yet." in panel()


@pytest.mark.parametrize(("seconds", "inside"), [(-1, True), (0, False), (1, False)])
def test_page_rule_and_door_agree_to_the_second(panel, superuser, sign_in, eve, supper, now, seconds, inside):
    given(superuser, eve, supper.starts_at, now)
    moment = supper.starts_at + timedelta(seconds=seconds)
    superuser.execute("update sign_ins set seen_at = %s", [moment])
    assert ("Yes, until" in panel(moment)) is inside
    assert one(superuser, "select entitled(%s, %s)", eve.id, moment) is inside
    with at(moment):
        came = sign_in(eve).submit(f"/meetings/{supper.id}/join").location or ""
    assert came.startswith("/sandbox/room") is inside


def test_nobody_sees_anothers_reasons(sign_in, superuser, eve, charlie, now):
    given(superuser, eve, now + 5 * DAY, now - DAY, "offline")
    assert "Paid outside the portal" not in words(sign_in(charlie).get("/account/access"))


def test_the_line_says_each_source_also_in_a_sentence(panel, superuser, eve, now):
    order(superuser, eve, (now - 10 * DAY, now + 20 * DAY))
    plan(superuser, eve, now)
    given(superuser, eve, now - 5 * DAY, now - 12 * DAY, "welcome")
    said = panel()
    renews = date_in_words((now + 20 * DAY).astimezone(ISTANBUL))
    assert plain(f"Your own plan, Individual: paid until {renews}, then it renews.") in said
    ended = date_in_words((now - 5 * DAY).astimezone(ISTANBUL))
    assert plain(f"The first days: ended on {ended}.") in said and "Earlier (1)" in said


@pytest.mark.parametrize(("days", "farthest"), [(20, 62), (300, 365)])
def test_the_line_reaches_two_months_ahead_or_a_year(app, now, days, farthest):
    viewer = Viewer("Europe/Istanbul")
    reason = entitlement.EntitlementReason(
        "Days", "", "full", "", "", False, False, now - DAY, now + days * DAY, now + days * DAY
    )
    granted = entitlement.Entitlement(True, None, None, False, "gift", "given", "", [reason])
    drawn = entitlement.timeline(granted, viewer)
    assert drawn.today == pytest.approx(31 / (31 + farthest) * 100, abs=0.1)
    assert drawn.bars[0].ends == pytest.approx((31 + days) / (31 + farthest) * 100, abs=0.1)
    assert [x for x, _month in drawn.months] == sorted({x for x, _month in drawn.months})


def test_what_renews_is_drawn_on_to_the_lines_end_and_what_ends_is_not(now):
    viewer = Viewer("Europe/Istanbul")
    renewing = entitlement.EntitlementReason(
        "Plan", "", "full", "", "ok", False, True, now - DAY, now + DAY, now + 8 * DAY
    )
    ending = entitlement.EntitlementReason("Days", "", "full", "", "ok", False, False, now - DAY, now + DAY, now + DAY)
    first, second = entitlement.timeline(
        entitlement.Entitlement(True, None, None, False, "own", "renewing", "", [renewing, ending]), viewer
    ).bars
    assert first.ends + first.ahead == pytest.approx(100) and second.ahead == 0
