"""Why somebody has access, or not: a sentence for every reason, the same for page, rule and door."""

from datetime import timedelta

import pytest

from portal.clock import at
from tests.support.line import one
from tests.support.orders import given, order, project, refunded
from tests.support.reading import words

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
    project(superuser, person, now)


def test_nothing_yet(panel):
    assert "Not yet." in panel() and "No plan, no family and no gift has opened the club so far." in panel()


@pytest.mark.parametrize(
    ("status", "columns", "said"),
    [
        ("active", {}, "it renews by itself."),
        ("active", {"ends_at": 20}, "it ends then."),
        ("past_due", {"failed_at": -1}, "the renewal failed."),
        ("canceled", {"ended_at": -1, "ended_by": "choice"}, "it was ended."),
        ("canceled", {"ended_at": -1, "ended_by": "failure"}, "the renewal failed."),
    ],
)
def test_a_plan_of_ones_own_in_each_of_its_phases(panel, superuser, eve, now, status, columns, said):
    order(superuser, eve, (now - 10 * DAY, now + 20 * DAY))
    plan(superuser, eve, now, status, **{k: now + v * DAY if isinstance(v, int) else v for k, v in columns.items()})
    assert "Your own plan, Individual" in panel() and said in panel()


@pytest.mark.parametrize(
    ("kind", "said"),
    [("welcome", "The club gives everybody their first days."), ("complimentary", "Given by the club: A birthday."),
     ("offline", "Paid outside the portal: A birthday."), ("gift", "Given to you: A birthday.")],
)  # fmt: skip
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
    assert came.startswith("/sandbox/rooms") is inside


def test_nobody_sees_anothers_reasons(sign_in, superuser, eve, charlie, now):
    given(superuser, eve, now + 5 * DAY, now - DAY, "offline")
    assert "Paid outside the portal" not in words(sign_in(charlie).get("/account/access"))
