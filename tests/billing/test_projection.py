"""What facts make of access: paid, failed, given back, disputed, cut, granted, and shared by a family."""

from datetime import UTC, datetime, timedelta

import pytest

from portal.billing import jobs
from portal.clock import at
from tests.support.orders import given, order, refresh_projection, refunded
from tests.support.reading import do, one, words

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 14, 12, tzinfo=UTC)
MONTH = (NOW, NOW + 30 * DAY)


def access(postgres, person):
    """Status, plan, and until when."""
    return postgres.execute(
        "select subscription_status, subscription_type, access_until from users where id = %s", [person.id]
    ).fetchone()


def plan(postgres, person, **columns):
    """A subscription as the provider told it."""
    row = {
        "user_id": person.id,
        "provider_subscription_id": "sub_1",
        "status": "active",
        "subscription_type": "individual",
        "billing_cycle": "monthly",
        "amount_minor": 1200,
        "currency": "USD",
        "started_at": NOW,
        "grace_days": 7,
        **columns,
    }
    names, marks = ", ".join(row), ", ".join(["%s"] * len(row))
    postgres.execute(f"insert into subscriptions ({names}) values ({marks})".encode(), list(row.values()))
    refresh_projection(postgres, person, NOW)


def test_an_order_not_paid_waits_and_opens_nothing(superuser, eve):
    order(superuser, eve, MONTH, status="pending", completed_at=None, period_end=None)
    assert access(superuser, eve) == ("pending", None, None)


def test_a_paid_order_opens_the_period_it_pays_for(superuser, eve):
    order(superuser, eve, MONTH)
    assert access(superuser, eve) == ("active", "individual", MONTH[1])


def test_what_renews_by_itself_is_kept_seven_days_longer(superuser, eve):
    order(superuser, eve, MONTH)
    plan(superuser, eve)
    assert access(superuser, eve) == ("active", "individual", MONTH[1] + 7 * DAY)
    assert one(superuser, "select subscription_expiry from users where id = %s", eve.id) == MONTH[1]


@pytest.mark.parametrize(
    ("columns", "days"),
    [
        ({"ends_at": MONTH[1]}, 0),
        ({"status": "canceled", "ended_at": NOW, "ended_by": "choice"}, 0),
        ({"status": "canceled", "ended_at": NOW, "ended_by": "failure"}, 7),
        ({"status": "past_due"}, 7),
        ({"status": "unpaid", "grace_days": 3}, 3),
        ({"status": "paused"}, 0),
        ({"status": "incomplete"}, 0),
        ({"is_duplicate": True}, 0),
        ({"subscription_type": "family"}, 0),
    ],
)
def test_grace_is_for_what_renews_or_failed_and_for_nothing_else(superuser, eve, columns, days):
    order(superuser, eve, MONTH)
    plan(superuser, eve, **columns)
    assert access(superuser, eve)[2] == MONTH[1] + days * DAY


def test_time_without_a_charge_counts_like_paid_time(superuser, eve):
    plan(superuser, eve, status="trialing", free_until=MONTH[1], ends_at=MONTH[1])
    assert access(superuser, eve) == ("active", "individual", MONTH[1])


@pytest.mark.parametrize(("by", "until"), [("choice", NOW + DAY), ("failure", MONTH[1])])
def test_time_without_a_charge_ends_with_the_plan_somebody_ended(superuser, eve, by, until):
    plan(superuser, eve, status="canceled", free_until=MONTH[1], ended_at=NOW + DAY, ended_by=by)
    assert access(superuser, eve)[2] == until


def test_part_of_the_money_back_leaves_access(superuser, eve):
    order(superuser, eve, MONTH, refunded_amount=5)
    assert access(superuser, eve)[2] == MONTH[1]


def test_all_of_the_money_back_ends_what_it_bought(superuser, eve):
    refunded(superuser, order(superuser, eve, MONTH), NOW)
    assert access(superuser, eve) == ("inactive", None, None)


def test_an_older_period_still_counts_beside_a_refunded_one(superuser, eve):
    order(superuser, eve, MONTH)
    refunded(superuser, order(superuser, eve, (MONTH[1], MONTH[1] + 30 * DAY)), NOW)
    assert access(superuser, eve) == ("active", "individual", MONTH[1])


@pytest.mark.parametrize(("state", "open_"), [("open", False), ("lost", False), ("won", True)])
def test_a_dispute_withholds_what_was_bought_until_it_is_won(superuser, eve, state, open_):
    order(superuser, eve, MONTH, disputed_at=NOW, dispute_state=state)
    assert (access(superuser, eve)[0] == "active") is open_


def test_a_cut_ends_it_earlier_and_never_later(superuser, eve):
    order(superuser, eve, MONTH, cut_at=NOW + 3 * DAY)
    assert access(superuser, eve)[2] == NOW + 3 * DAY
    superuser.execute("update orders set cut_at = %s where user_id = %s", [MONTH[1] + DAY, eve.id])
    refresh_projection(superuser, eve, NOW)
    assert access(superuser, eve)[2] == MONTH[1]


def test_who_is_covered_twice_keeps_the_later_date(superuser, eve):
    order(superuser, eve, MONTH)
    given(superuser, eve, NOW + 10 * DAY, NOW)
    assert access(superuser, eve)[2] == MONTH[1]


def test_days_given_to_one_of_a_family_do_not_take_the_family_away(superuser, bob):
    before = access(superuser, bob)
    given(superuser, bob, before[2] - DAY, before[2] - 9 * DAY)
    assert access(superuser, bob) == before


def test_the_family_gets_the_payers_date(superuser, alice, bob):
    until = datetime(2030, 1, 1, tzinfo=UTC)
    bought = order(superuser, alice, (NOW, until), "family")
    assert access(superuser, alice) == access(superuser, bob) == ("active", "family", until)
    refunded(superuser, bought, NOW)
    assert access(superuser, bob)[2] < until


def test_a_payers_own_plan_covers_nobody_else(superuser, alice, bob):
    until = datetime(2030, 1, 1, tzinfo=UTC)
    order(superuser, alice, (NOW, until), "individual")
    assert access(superuser, alice)[2] == until and access(superuser, bob)[2] < until


# --- the clock and the housekeeping ----------------------------------------------------------------------------------


def test_access_ends_by_the_clock_and_the_columns_follow(worker_app, superuser, eve):
    order(superuser, eve, MONTH)
    do(worker_app, jobs.expire, MONTH[1] - DAY)
    assert access(superuser, eve)[0] == "active"
    for _ in range(2):
        do(worker_app, jobs.expire, MONTH[1])
        assert access(superuser, eve) == ("inactive", "individual", MONTH[1])


def test_an_unfinished_order_is_still_pending_after_the_date(worker_app, superuser, eve):
    order(superuser, eve, MONTH, status="pending", completed_at=None, period_end=None)
    given(superuser, eve, NOW + DAY, NOW)
    do(worker_app, jobs.expire, NOW + DAY)
    assert access(superuser, eve)[0] == "pending"


@pytest.mark.parametrize(("days", "said"), [(5, "Yes, until "), (-5, "No, since "), (None, "Not yet.")])
def test_the_account_page_says_whether_the_door_is_open(sign_in, superuser, eve, now, days, said):
    if days:
        given(superuser, eve, now + days * DAY, now - 9 * DAY)
    assert said in words(sign_in(eve).get("/account"))


def test_the_account_page_needs_no_job_to_tell_the_truth(sign_in, superuser, charlie, now):
    browser = sign_in(charlie)
    superuser.execute("update access_grants set ends_at = %s where user_id = %s", [now + DAY, charlie.id])
    assert "Yes, until" in words(browser.get("/account"))
    with at(now + DAY):
        assert "No, since" in words(browser.get("/account"))


ROWS_READ = "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'users'"


def test_it_reads_its_own_people_however_many_there_are(database, superuser, alice):
    # Of fewer it may as well read all.
    superuser.execute("insert into users (email) select n || '@crowd.example' from generate_series(1, 4000) n")
    superuser.execute("analyze users, family_plans")
    with database.connect() as fresh:  # which has planned nothing yet
        fresh.execute("select refresh_projection(%s, now())", [alice.id])
        assert one(fresh, ROWS_READ) < 50
