"""Who was this? People in a room whom nobody knows, and an admin's word on who they were."""

from datetime import timedelta

import pytest

from portal.attendance import jobs
from tests.support.presence import has_room, moment
from tests.support.reading import do, invite, link, one, operations, plan, rows, words

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def over(superuser, people, worker_app, alice, bob):
    """Two days ago, settled: Alice and Bob said yes; the platform saw an iPad for half an hour."""
    meeting = plan(superuser, "Supper", days=-2)
    has_room(superuser, meeting, reported_at=meeting.ends_at)
    for person in (alice, bob):
        invite(superuser, person, meeting, answer="accepted")
    stranger(superuser, meeting)
    do(worker_app, jobs.sweep, meeting.ends_at + HOUR)
    return meeting


def stranger(postgres, meeting, account="t-1"):
    postgres.execute(
        "insert into participants (meeting_id, identity, name, account) values (%s, 'x', 'iPad von Tom', %s)",
        [meeting.id, account],
    )
    postgres.execute(
        "insert into presences (meeting_id, participant_id, source, session, joined_at, left_at, device_type)"
        " select meeting_id, id, 'report', '1', %s, %s, 'tablet' from participants where meeting_id = %s",
        [moment(meeting, 10), moment(meeting, 40), meeting.id],
    )


def page_of(postgres, meeting):
    return f"/admin/participants/{one(postgres, 'select id from participants where meeting_id = %s', meeting.id)}"


def of(postgres, person):
    return postgres.execute(
        "select outcome, join_duration from meeting_attendances where user_id = %s", [person.id]
    ).fetchone()


def test_whom_nobody_knows_waits_for_an_admin(desk, over):
    assert link(desk.get("/admin"), "Say who they were") == "/admin/participants"
    (row,) = [row for row in rows(desk.get("/admin/participants"), "tr") if "iPad" in row]
    assert row.startswith("iPad von Tom Supper") and row.endswith("21:10 to 21:40")
    assert "1 person in a room was not recognised" in words(desk.get("/admin"))
    assert link(desk.get(f"/admin/meetings/{over.id}"), "Say who one person in the room was") == "/admin/participants"


def test_the_choice_is_among_those_who_said_yes_and_are_nobody_yet(desk, superuser, bob, over):
    superuser.execute(
        "insert into participants (meeting_id, identity, user_id, matched_by) values (%s, 'b', %s, 'registrant')",
        [over.id, bob.id],
    )
    said = words(desk.get(page_of(superuser, over)), "fieldset")
    assert "Alice" in said and "Bob" not in said and "Nobody from the club" in said


def test_anybody_is_found_by_name(desk, superuser, charlie, over):
    assert "Charlie" in words(desk.get(f"{page_of(superuser, over)}?q=char"), "fieldset")


def test_a_choice_is_kept_settled_and_noted(desk, superuser, alice, bob, over):
    assert (of(superuser, alice), of(superuser, bob)) == (("no_show", None), ("no_show", None))
    answer = desk.submit(page_of(superuser, over), person=alice.id)
    assert "iPad von Tom was Alice." in words(desk.get(answer.location))
    assert (of(superuser, alice), of(superuser, bob)) == (("attended", 30), ("no_show", None))
    assert one(superuser, "select user_id from known_accounts where account = 't-1'") == alice.id
    assert "participant.named" in operations(superuser)


def test_an_account_is_recognised_in_other_meetings_too(desk, work, superuser, alice, over):
    other = plan(superuser, "Lunch", days=-4)
    has_room(superuser, other)
    stranger(superuser, other)
    desk.submit(page_of(superuser, over), person=alice.id)
    work()
    assert one(superuser, "select count(*) from participants where user_id is null") == 0
    assert one(superuser, "select join_duration from meeting_attendances where meeting_id = %s", other.id) == 30


def test_a_wrong_choice_can_be_changed(desk, superuser, alice, bob, over):
    path = page_of(superuser, over)
    for person in (alice, bob):
        desk.submit(path, person=person.id)
    assert (of(superuser, alice), of(superuser, bob)) == (("no_show", None), ("attended", 30))
    assert one(superuser, "select user_id from known_accounts") == bob.id


def test_whom_an_admin_named_stays_within_reach(desk, superuser, alice, over):
    desk.submit(page_of(superuser, over), person=alice.id)
    assert link(desk.get("/admin/participants"), "iPad von Tom") == page_of(superuser, over)


@pytest.mark.parametrize(("right", "hers"), [("Alice", 30), ("nobody", None)])
def test_and_the_account_is_corrected_in_other_meetings_too(desk, work, superuser, people, bob, over, right, hers):
    other = plan(superuser, "Lunch", days=-4)
    has_room(superuser, other)
    stranger(superuser, other)
    for choice in (bob.id, people[0].id if right == "Alice" else right):
        desk.submit(page_of(superuser, over), person=choice)
        work()
    query = "select max(join_duration) from meeting_attendances where meeting_id = %s and user_id = %s"
    assert [one(superuser, query, other.id, person.id) for person in (people[0], bob)] == [hers, None]


def test_who_was_seen_before_the_meeting_went_on_behind_a_link_can_be_named_too(desk, superuser, alice, over):
    superuser.execute("update meetings set platform = 'link'")
    superuser.execute("update rooms set made_by = 'link'")
    assert desk.submit(page_of(superuser, over), person=alice.id).status_code == 303
    assert of(superuser, alice) == ("attended", 30) and one(superuser, "select count(*) from known_accounts") == 0


def test_nobody_of_the_club_waits_no_longer(desk, superuser, alice, over):
    desk.submit(page_of(superuser, over), person=alice.id)
    desk.submit(page_of(superuser, over), person="nobody")
    assert of(superuser, alice) == ("no_show", None)
    assert "Everybody is known." in words(desk.get("/admin/participants"))
    assert one(superuser, "select count(*) from known_accounts") == 0
    assert "participant.guest" in operations(superuser)


def test_without_a_choice_it_says_what_is_missing(desk, superuser, over):
    answer = desk.submit(page_of(superuser, over))
    assert answer.status_code == 422 and "Choose who it was, or that it was nobody of the club." in words(answer)
    assert one(superuser, "select count(*) from participants where user_id is null") == 1


@pytest.mark.parametrize(("choice", "status"), [("rubbish", 422), ("00000000-0000-0000-0000-00000000dead", 404)])
def test_a_choice_of_nobody_there_is_changes_nothing(desk, superuser, over, choice, status):
    assert desk.submit(page_of(superuser, over), person=choice).status_code == status
    assert one(superuser, "select is_guest or user_id is not null from participants") is False


def test_members_know_nothing_of_it(sign_in, bob, superuser, over):
    for path in ("/admin/participants", page_of(superuser, over)):
        assert sign_in(bob).get(path).status_code == 404
