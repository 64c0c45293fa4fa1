"""What an admin sees of families, and does in a member's place, with a reason."""

import pytest

from tests.support.cast import FAMILY, crowd
from tests.support.families import seat
from tests.support.reading import link, one, rows, words

ONE = f"/admin/families/{FAMILY}"


def test_the_list_says_who_pays_how_many_are_in_and_until_when(sign_in, superuser, alice, dora):
    seat(superuser, *crowd(superuser, 2))
    (row,) = rows(sign_in(dora).get("/admin/families"), "tr")[1:]
    assert row.startswith("Alice and friends Alice alice@club.example 4 of 6 Active")


@pytest.mark.parametrize(
    ("q", "found"), [("alice and", 1), ("friends", 1), ("BOB", 1), ("bob@club", 1), ("charlie", 0), ("100%", 0)]
)
def test_a_piece_of_any_name_finds_it(sign_in, alice, dora, q, found):
    page = sign_in(dora).get("/admin/families", query_string={"q": q})
    assert len(rows(page, "tr")[1:]) == found


def test_the_list_goes_on_by_pages(sign_in, superuser, dora):
    people = crowd(superuser, 22)
    with superuser.transaction():
        for number, person in enumerate(people):
            (plan,) = superuser.execute(
                "insert into family_plans (primary_user_id, plan_name, created_at)"
                " values (%s, %s, now() - make_interval(days => %s)) returning id",
                [person.id, f"Plan {number:02}", number],
            ).fetchone()
            superuser.execute(
                "insert into family_memberships (plan_id, user_id, role, state, joined_at)"
                " values (%s, %s, 'primary', 'active', now())",
                [plan, person.id],
            )
    browser = sign_in(dora)
    first = browser.get("/admin/families?q=plan")
    second = browser.get(link(first, "Next page"))
    named = [row.split(" Guest")[0] for page in (first, second) for row in rows(page, "tr")[1:]]
    assert named == [f"Plan {n:02}" for n in range(22)]


def test_one_family_shows_everybody_who_was_ever_asked(sign_in, superuser, alice, bob, dora):
    sign_in(alice).submit("/family/invitations", email="tomas@duarte.example")
    sign_in(bob).submit("/family/leave")
    page = rows(sign_in(dora).get(ONE), "tr")[1:]
    assert [row.split()[:3] for row in page] == [
        ["Alice", "alice@club.example", "Active,"],
        ["tomas", "tomas@duarte.example", "Invited"],
        ["Bob", "bob@club.example", "Left"],
    ]


def test_seats_can_be_more_or_fewer_but_nobody_is_pushed_out(sign_in, superuser, alice, dora):
    sign_in(alice).submit("/family/invitations", email="tomas@duarte.example")
    browser = sign_in(dora)
    assert browser.submit(f"{ONE}/seats", seats="8").location == ONE
    answer = browser.submit(f"{ONE}/seats", seats="2")
    assert answer.status_code == 422
    assert "In it or invited are Alice, Bob and tomas. One person or invitation has to go first." in words(answer)
    assert one(superuser, "select max_members from family_plans") == 8


@pytest.mark.parametrize("seats", ["", "0", "21", "six"])
def test_a_number_that_cannot_be_is_said_at_the_field(sign_in, superuser, alice, dora, seats):
    answer = sign_in(dora).submit(f"{ONE}/seats", seats=seats)
    assert answer.status_code == 422 and "Enter a number from 1 to 20." in words(answer)
    assert one(superuser, "select max_members from family_plans") == 6


def test_a_removal_has_a_reason_that_is_kept(sign_in, superuser, bob, dora):
    browser = sign_in(dora)
    answer = browser.submit(f"{ONE}/removal", person=str(bob.id))
    assert answer.status_code == 422 and "Say why in a sentence." in words(answer)
    browser.submit(f"{ONE}/removal", **{"person": str(bob.id), "removal-reason": "He asked us by phone."})
    assert one(superuser, "select family_plan_id from users where id = %s", bob.id) is None
    log = superuser.execute(
        "select user_id, subject_id, metadata ->> 'reason' from system_logs where operation = 'family.removed'"
    ).fetchone()
    assert log == (dora.id, bob.id, "He asked us by phone.")


def test_a_removal_is_told_to_both_and_so_is_that_it_was_taken_back(sign_in, superuser, work, mails, alice, bob, dora):
    browser = sign_in(dora)
    browser.submit(f"{ONE}/removal", **{"person": str(bob.id), "removal-reason": "A mistake."})
    removed = one(superuser, "select id from family_memberships where state = 'removed'")
    assert "Bob was removed. Bob and the primary are told by mail." in words(browser.get(ONE))
    work()
    assert "The club ended your seat" in mails(bob.email)[0]["text"]
    assert mails(alice.email)[0]["subject"] == "The club has removed Bob"
    browser.submit(f"{ONE}/removal/{removed}/back")
    assert one(superuser, "select family_plan_id from users where id = %s", bob.id) == FAMILY
    work()
    assert mails(bob.email)[0]["subject"].endswith("again") and mails(alice.email)[0]["subject"] == "Bob is back"


def test_handing_over_asks_the_member_and_tells_the_primary(sign_in, superuser, work, mails, alice, bob, dora):
    browser = sign_in(dora)
    assert browser.submit(f"{ONE}/transfer", person=str(bob.id)).status_code == 422
    browser.submit(f"{ONE}/transfer", **{"person": str(bob.id), "transfer-reason": "Alice has died."})
    assert one(superuser, "select transfer_to from family_plans") == bob.id
    work()
    assert mails(bob.email)[0]["subject"].startswith("Will you take over")
    assert mails(alice.email)[0]["subject"] == "The club has asked somebody to take over"


def test_what_is_not_there_is_a_404(sign_in, alice, charlie, dora):
    browser = sign_in(dora)
    nowhere = "/admin/families/00000000-0000-0000-0000-00000000dead"
    assert browser.get(nowhere).status_code == browser.submit(f"{nowhere}/seats", seats="3").status_code == 404
    reason = {"removal-reason": "x", "transfer-reason": "x"}
    assert browser.submit(f"{ONE}/removal", person=str(charlie.id), **reason).status_code == 404
    assert browser.submit(f"{ONE}/transfer", person=str(alice.id), **reason).status_code == 404
    assert browser.submit(f"{ONE}/removal", person="bob", **reason).status_code == 422
