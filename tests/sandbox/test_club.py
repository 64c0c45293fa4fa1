"""The demo club as it was planted: people, families, orders, and an evening for everything that can happen to one."""

import pytest

from portal.meetings.series import AHEAD_DAYS
from portal.operations.demo import mark_demo
from portal.problems import Problem
from portal.sandbox import club
from portal.sandbox import jobs as life
from portal.sandbox.people import ANA, BILAL, FAMILIES, PEOPLE, SELIN, SERIES
from tests.sandbox.conftest import soil
from tests.support.reading import do, words


def test_it_is_planted_while_one_waits(planted):
    assert planted.seconds < 60


def test_about_sixty_people_signed_up_and_confirmed(planted):
    assert planted.one("select count(*) from users where email_verified") == len(PEOPLE)
    assert 50 <= len(PEOPLE) <= 70
    assert planted.one("select count(distinct timezone) from users") > 15


def test_the_front_page_has_the_demos_own_words(planted):
    assert planted.rows("select club_name, front_title from club") == [
        ("Goalete", "One hour, every evening, kept together.")
    ]


def test_every_promise_of_the_data_is_kept(planted):
    assert planted.broken() == []


def test_four_families_of_different_sizes_one_of_them_full(planted):
    sizes = planted.rows("select current_members, max_members from family_plans order by 1")
    assert [size for size, _ in sizes] == sorted(1 + len(others) for _, _, others in FAMILIES)
    assert any(size == most for size, most in sizes)


def test_orders_stand_in_every_state(planted):
    assert {state for (state,) in planted.rows("select distinct status from orders")} == {
        "pending",
        "completed",
        "failed",
        "refunded",
    }
    assert planted.one("select count(*) from orders where disputed_at is not null") >= 1
    assert planted.one("select count(*) from orders where refunded_amount between 0.01 and amount - 0.01") >= 1


def test_some_have_access_by_each_way_and_some_have_none(planted):
    kinds = {
        kind for (kind,) in planted.rows("select distinct subscription_type from users where access_until > now()")
    }
    assert kinds == {"individual", "family"}
    assert planted.one("select count(*) from users where access_until < now()") >= 2
    assert planted.one("select count(*) from access_grants where kind = 'welcome'") == len(PEOPLE)


def test_one_meeting_is_running_now_with_people_in_it(planted):
    here = planted.rows(
        "select m.status, count(distinct p.user_id) from meetings m join presences p on p.meeting_id = m.id"
        " where m.starts_at <= now() and m.ends_at > now() and p.left_at is null group by m.id"
    )
    assert len(here) >= 1 and here[0][0] == "active" and here[0][1] >= 5


def test_one_is_full_with_both_sign_ins_of_the_demo_in_its_line(planted):
    meeting = planted.rows(
        "select id, max_attendees, seats_taken, waiting_count from meetings where title = 'Letters, read aloud'"
    )[0]
    assert meeting[2] == meeting[1] and meeting[3] > 2
    waiting = planted.rows(
        "select u.email from meeting_attendances a join users u on u.id = a.user_id"
        " where meeting_id = %s and answer = 'waitlisted'",
        meeting[0],
    )
    assert {(BILAL,), (ANA,)} <= set(waiting)


def test_one_has_requests_one_an_offer_one_is_cancelled(planted):
    assert planted.one("select request_count from meetings where title = 'Early circle'") == 2
    assert (
        planted.one(
            "select count(*) from meeting_attendances a join users u on u.id = a.user_id"
            " where u.email = %s and answer = 'offered'",
            BILAL,
        )
        == 1
    )
    assert (
        planted.one(
            "select count(*) from meetings where status = 'cancelled' and cancellation_reason = 'The host is ill.'"
        )
        == 1
    )


def test_three_weeks_lie_behind_and_five_ahead(planted):
    over = planted.one("select count(*) from meetings where status = 'completed'")
    assert over in (club.HISTORY_DAYS, club.HISTORY_DAYS + 1), "today's may be over too"
    assert abs(planted.one("select max(scheduled_date) - current_date from meetings") - AHEAD_DAYS) <= 1
    assert planted.one("select count(*) from meeting_attendances where outcome = 'attended'") > 100
    assert planted.one("select count(*) from meeting_attendances where outcome = 'no_show'") > 10


def test_one_is_private_and_its_guest_of_honour_knows_nothing(planted):
    wei = planted.browser("wei.chen@nus.sg").get("/meetings")
    assert "A surprise for Wei" in planted.browser(BILAL).get("/meetings").text and "surprise" not in wei.text


def test_series_hold_the_programme_and_the_daily_meeting_fills_the_days_between(planted):
    assert planted.one("select count(*) from meeting_series") == len(SERIES) + 1
    daily = "select distinct extract(isodow from scheduled_date)::int from meetings where origin = 'daily-job'"
    called_off = "(select scheduled_date from meetings where status = 'cancelled')"
    assert planted.rows(f"{daily} and scheduled_date not in {called_off}") == [(4,)]
    days = "select count(distinct scheduled_date) from meetings where series_id is not null"
    assert planted.one(days) == club.HISTORY_DAYS + 1 + AHEAD_DAYS


@pytest.mark.parametrize("email", [email for _, email, _ in club.SIGN_INS])
def test_the_printed_sign_ins_open_the_door(planted, email):
    browser = planted.browser(email)
    assert browser.get("/meetings").status_code == 200
    assert browser.get("/admin").status_code == (200 if email == SELIN else 404)


def test_the_demos_member_sees_an_offer_a_line_and_the_orders(planted):
    browser = planted.browser(BILAL)
    assert "A place is yours until" in browser.get(f"/meetings/{planted.meeting('Mending hour')}").text
    assert "in line" in words(browser.get(f"/meetings/{planted.meeting('Letters, read aloud')}"))
    text = words(browser.get("/orders"))
    assert all(state in text for state in ("Paid", "Failed", "Partly refunded", "Refunded"))


def test_planting_twice_plants_once(planted):
    before = planted.rows(
        "select (select count(*) from users), (select count(*) from meetings), (select count(*) from orders)"
    )
    club.plant(planted.web)
    assert (
        planted.rows(
            "select (select count(*) from users), (select count(*) from meetings), (select count(*) from orders)"
        )
        == before
    )


def test_the_demo_stays_whole_while_it_lives(planted):
    for _ in range(5):
        do(planted.worker, life.stroll)
    assert planted.broken() == []


def test_a_planting_that_was_cut_short_is_not_taken_for_a_club(server_url):
    with soil(server_url, "half") as here:
        here.postgres.execute("insert into users (email) values ('selin@aydin.club')")
        mark_demo(here.web.config["SETTINGS"])
        with pytest.raises(Problem, match="planted only in part"):
            club.plant(here.web)
        assert here.one("select count(*) from users") == 1


def test_nothing_is_planted_among_real_people_nor_is_their_clock_let_go(server_url):
    with soil(server_url, "real") as here:
        here.postgres.execute("insert into users (email) values ('the-only-one@club.example')")
        with pytest.raises(Problem, match="Real people live"):
            club.plant(here.web)
        assert here.rows("select is_sandbox, (select count(*) from users) from club_clock") == [(False, 1)]
