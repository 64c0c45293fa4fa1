"""Out of a family: leaving, being removed (with the rest of the day to think again), and what that ends."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal import clock
from portal.families.leaving import day_begins
from tests.support.cast import FAMILY, crowd
from tests.support.families import seat, states
from tests.support.reading import link, one, words


def covered(superuser, person):
    return one(superuser, "select access_until > now() from users where id = %s", person.id) is True


def removal(superuser):
    return one(superuser, "select id from family_memberships where state = 'removed'")


def a_day_ago(superuser):
    """As if whoever was removed had been removed yesterday."""
    superuser.execute("update family_memberships set ended_at = ended_at - interval '1 day' where state = 'removed'")


# --- leaving ---------------------------------------------------------------------------------------------------------


def test_the_page_says_first_what_leaving_ends(sign_in, bob):
    page = sign_in(bob).get("/family/leave")
    assert "From that moment the plan no longer covers you." in words(page)
    assert link(page, "a plan of your own") == "/plans" and link(page, "Stay") == "/family"


def test_who_leaves_is_covered_no_longer_and_the_primary_is_told(sign_in, superuser, work, mails, bob):
    browser = sign_in(bob)
    assert covered(superuser, bob)
    assert browser.submit("/family/leave").location == "/family"
    page = words(browser.get("/family"))
    assert "You left the family." in page and "You are in no family plan." in page
    assert not covered(superuser, bob) and states(superuser) == ["active", "left"]
    work()
    assert [mail["subject"] for mail in mails("alice@club.example")] == ["Bob left"]


def test_what_is_ones_own_goes_on(sign_in, superuser, charlie):
    seat(superuser, charlie)
    sign_in(charlie).submit("/family/leave")
    assert covered(superuser, charlie)


def test_the_primary_stays(sign_in, superuser, alice):
    for answer in (sign_in(alice).get("/family/leave"), sign_in(alice).submit("/family/leave")):
        assert answer.status_code == 409 and "hand it over first, or end it" in words(answer)
    assert one(superuser, "select current_members from family_plans") == 2


def test_who_is_in_no_family_has_nothing_to_leave(sign_in, charlie):
    assert sign_in(charlie).get("/family/leave").status_code == 404
    assert sign_in(charlie).submit("/family/leave").status_code == 404


def test_who_left_may_be_invited_again(sign_in, superuser, alice, bob):
    sign_in(bob).submit("/family/leave")
    assert sign_in(alice).submit("/family/invitations", email=bob.email).status_code == 303


# --- being removed ---------------------------------------------------------------------------------------------------


def test_removed_is_out_at_once_and_told_at_once(sign_in, superuser, work, mails, alice, bob):
    browser = sign_in(alice)
    assert browser.submit(f"/family/people/{bob.id}/remove").location == "/family"
    page = words(browser.get("/family"))
    assert "Bob was removed from the family and is told by mail. You can take it back until the end of today." in page
    assert "Bob Removed today at" in page and "Take back the removal of Bob" in page
    assert not covered(superuser, bob)
    work()
    (mail,) = mails("bob@club.example")
    assert mail["subject"] == "You are no longer in “Alice and friends”" and "Alice ended your seat on" in mail["text"]


def test_all_day_it_can_be_taken_back_and_a_second_mail_says_so(sign_in, superuser, work, mails, alice, bob):
    browser = sign_in(alice)
    since = one(superuser, "select family_joined_at from users where id = %s", bob.id)
    browser.submit(f"/family/people/{bob.id}/remove")
    work()
    assert browser.submit(f"/family/people/{removal(superuser)}/back").location == "/family"
    assert "Bob has the seat again and is told by mail." in words(browser.get("/family"))
    assert (
        covered(superuser, bob) and one(superuser, "select family_joined_at from users where id = %s", bob.id) == since
    )
    work()
    assert [mail["subject"] for mail in mails("bob@club.example")] == [
        "You are in “Alice and friends” again",
        "You are no longer in “Alice and friends”",
    ]


def test_who_never_heard_of_the_removal_hears_of_nothing(sign_in, superuser, work, mails, alice, bob):
    browser = sign_in(alice)
    browser.submit(f"/family/people/{bob.id}/remove")
    browser.submit(f"/family/people/{removal(superuser)}/back")
    work()
    assert mails("bob@club.example") == []


def test_the_next_day_it_is_not_offered_and_refused(sign_in, superuser, alice, bob):
    browser = sign_in(alice)
    browser.submit(f"/family/people/{bob.id}/remove")
    browser.get("/family")
    a_day_ago(superuser)
    assert "Bob" not in words(browser.get("/family"))
    answer = browser.submit(f"/family/people/{removal(superuser)}/back")
    assert answer.status_code == 409 and "That was on another day, so it stays." in words(answer)
    assert not covered(superuser, bob)


@pytest.mark.parametrize(
    ("now", "began"),
    [("2026-03-29T00:30+01:00", "2026-03-29T00:00+01:00"), ("2026-03-29T23:30+02:00", "2026-03-29T00:00+01:00")],
)
def test_the_day_is_the_one_where_it_is_taken_back(now, began):
    moment = datetime.fromisoformat(now).astimezone(ZoneInfo("Europe/Berlin"))
    assert day_begins(moment) == datetime.fromisoformat(began)


def test_a_seat_that_was_given_away_meanwhile_does_not_come_back(sign_in, superuser, alice, bob):
    seat(superuser, *crowd(superuser, 4))
    browser = sign_in(alice)
    browser.submit(f"/family/people/{bob.id}/remove")
    browser.submit("/family/invitations", email="another@club.example")
    assert "Take back the removal of Bob" not in words(browser.get("/family"))
    answer = browser.submit(f"/family/people/{removal(superuser)}/back")
    assert answer.status_code == 409 and "Every seat of this plan is taken or promised." in words(answer)


def test_who_found_another_family_meanwhile_is_not_fetched_back(sign_in, superuser, hand, alice, bob):
    from portal.families import actions

    browser = sign_in(alice)
    browser.submit(f"/family/people/{bob.id}/remove")
    with hand() as session:
        actions.start(session, bob.id, "Bob’s own")
    answer = browser.submit(f"/family/people/{removal(superuser)}/back")
    assert answer.status_code == 409 and "another family meanwhile" in words(answer)


def test_only_the_primary_removes_and_undoes(sign_in, superuser, alice, bob, charlie, dora):
    for person in (bob, charlie, dora):
        assert sign_in(person).submit(f"/family/people/{bob.id}/remove").status_code == 404
    sign_in(alice).submit(f"/family/people/{bob.id}/remove")
    for person in (bob, charlie):
        assert sign_in(person).submit(f"/family/people/{removal(superuser)}/back").status_code == 404


def test_the_database_lets_only_the_primary_remove_whatever_the_page_asks(as_, alice, bob, charlie):
    def removes(person):
        with as_(person) as db:
            return len(db.execute("select from remove_member(%s, %s)", [FAMILY, bob.id]).fetchall())

    assert [removes(person) for person in (bob, charlie, alice)] == [0, 0, 1]


def test_the_primary_cannot_be_removed_nor_somebody_of_another_family(sign_in, superuser, alice, charlie):
    assert sign_in(alice).submit(f"/family/people/{alice.id}/remove").status_code == 409
    assert sign_in(alice).submit(f"/family/people/{charlie.id}/remove").status_code == 404


def test_every_step_is_in_the_log(sign_in, superuser, alice, bob):
    browser = sign_in(alice)
    browser.submit(f"/family/people/{bob.id}/remove")
    browser.submit(f"/family/people/{removal(superuser)}/back")
    sign_in(bob).submit("/family/leave")
    log = superuser.execute(
        "select operation, user_id from system_logs where operation like 'family.%' order by timestamp"
    )
    assert log.fetchall() == [
        ("family.removed", alice.id),
        ("family.removal-undone", alice.id),
        ("family.left", bob.id),
    ]


# --- sharing ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def evenings(superuser, as_, supper, bob):
    """Bob came to one of two evenings behind, and comes to the next; a private one is nobody's."""
    from tests.support.reading import invite, plan

    came, missed = plan(superuser, "Came", -2), plan(superuser, "Missed", -1)
    invite(superuser, bob, came, answer="accepted", joined_at=clock.now() - timedelta(days=2))
    invite(superuser, bob, plan(superuser, "Hidden", 1, start_time="08:00", is_private=True), answer="accepted")
    with as_(bob) as db:
        db.execute("select rsvp(%s, 'accepted')", [supper.id])
    return missed


def test_nobody_shares_unless_they_say_so(sign_in, superuser, evenings, alice, bob):
    assert "Supper" not in words(sign_in(alice).get("/family"))
    with_switch = sign_in(bob)
    assert "Your family cannot see your evenings." in words(with_switch.get("/family"))


def test_who_shares_is_seen_by_the_family_and_may_stop(sign_in, superuser, evenings, alice, bob):
    browser = sign_in(bob)
    browser.submit("/family/sharing", share="yes")
    page = words(sign_in(alice).get("/family"))
    assert "Shares evenings: came to 1 of the last 2. Supper," in page and ": comes." in page
    assert "Hidden" not in page
    browser.submit("/family/sharing", share="no")
    assert "Supper" not in words(sign_in(alice).get("/family"))


def test_it_is_shared_with_the_family_only(sign_in, as_, superuser, evenings, bob, charlie, dora):
    sign_in(bob).submit("/family/sharing", share="yes")
    for person in (charlie, dora):
        with as_(person) as db:
            assert db.execute("select * from family_attendance()").fetchall() == []


def test_a_member_sees_first_names_only(sign_in, superuser, alice, bob):
    superuser.execute("update users set last_name = 'Duarte' where id in (%s, %s)", [alice.id, bob.id])
    assert "Alice Duarte" not in words(sign_in(bob).get("/family"))
    assert "Bob Duarte" in words(sign_in(alice).get("/family"))
    assert one(superuser, "select current_members from family_plans where id = %s", FAMILY) == 2
