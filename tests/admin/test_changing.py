"""Changing what is planned: who is told, what is kept, and two admins at once."""

from datetime import timedelta
from types import SimpleNamespace

import pytest

from portal.clock import at
from portal.database import db
from portal.database.identity import Role, act_as
from portal.meetings import actions
from portal.meetings.models import Meeting
from tests.support.reading import answers, invite, one, operations, said_at, words

HOUR = timedelta(hours=1)


def test_the_form_shows_the_meeting_as_it_stands(desk, superuser, alice, mending_id):
    superuser.execute("update meetings set host_id = %s, max_attendees = null, requires_approval = true", [alice.id])
    page = desk.get(f"/admin/meetings/{mending_id}/edit").text
    assert (
        'value="Mending hour"' in page and 'value="alice@club.example"' in page and "Bring something *broken*." in page
    )
    assert page.count("checked") == 1 and 'value="12"' not in page


def test_new_words_tell_nobody(work, mails, superuser, alice, mending_id, save):
    answers(superuser, mending_id, accepted=[alice])
    save(title="Mending and making")
    work()
    assert mails(alice.email) == [] and operations(superuser) == ["meeting.changed"]


def test_every_change_is_a_revision_of_its_own(superuser, save):
    save(title="Mending and making")
    save(start_time="20:00")
    assert one(superuser, "select revision from meetings") == 2


def test_a_new_time_is_mailed_to_those_who_hold_a_place_or_wait(
    work, mails, superuser, alice, bob, charlie, eve, given, mending_id, save
):
    given["max_attendees"] = "1"
    answers(superuser, mending_id, accepted=[alice], waitlisted=[bob], declined=[charlie], invited=[eve])
    superuser.execute("update users set timezone = 'Asia/Tokyo' where id = %s", [bob.id])
    save(start_time="20:00")
    work()
    assert [len(mails(person.email)) for person in (alice, bob, charlie, eve)] == [1, 1, 0, 0]
    (mail,) = mails(bob.email)
    assert (
        mail["subject"] == "New time: Mending hour"
        and "02:00 in Tokyo" in mail["text"]
        and "20:00 in Istanbul" in mail["text"]
    )
    assert operations(superuser) == ["meeting.moved"]


def test_moved_twice_is_told_twice_and_each_once(work, mails, superuser, alice, mending_id, save):
    answers(superuser, mending_id, accepted=[alice])
    for hour in ("20:00", "19:00"):
        save(start_time=hour)
        work()
        work()
    assert len(mails(alice.email)) == 2


def test_answers_are_kept_when_the_time_moves(superuser, alice, mending_id, save):
    answers(superuser, mending_id, accepted=[alice])
    save(start_time="20:00")
    assert one(superuser, "select answer from meeting_attendances") == "accepted"


def test_more_places_are_offered_at_once(work, mails, superuser, alice, bob, mending_id, save):
    superuser.execute("update meetings set max_attendees = 1")
    answers(superuser, mending_id, accepted=[alice], waitlisted=[bob])
    save(max_attendees="2")
    assert one(superuser, "select answer from meeting_attendances where user_id = %s", bob.id) == "offered"
    work()
    assert mails(bob.email)[0]["subject"] == "A place is yours: Mending hour"


def test_fewer_places_throw_nobody_out(superuser, alice, bob, mending_id, save):
    answers(superuser, mending_id, accepted=[alice, bob])
    assert save(max_attendees="1").status_code == 303
    assert one(superuser, "select seats_taken from meetings") == 2


def test_what_has_begun_is_not_changed_any_more(superuser, mending, save):
    with at(mending[1] + timedelta(minutes=1)):
        answer = save(title="Too late")
    assert answer.status_code == 422 and "This meeting has begun, is over or is cancelled" in said_at(
        answer, "start_time"
    )
    assert one(superuser, "select title from meetings") == "Mending hour" and 'value="Too late"' in answer.text


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"host_email": "stranger@club.example"}, "host_email"),
        ({"title": ""}, "title"),
        ({"scheduled_date": "2020-01-01"}, "start_time"),
    ],
)
def test_a_change_that_cannot_be_is_said_at_the_field(superuser, wrong, field, save):
    answer = save(**wrong)
    assert answer.status_code == 422 and said_at(answer, field) and operations(superuser) == []


# --- two at once -----------------------------------------------------------------------------------------------------


def test_of_two_admins_the_second_is_told_and_keeps_what_was_typed(desk, superuser, given, mending_id, save):
    save(title="The first")
    late = desk.submit(f"/admin/meetings/{mending_id}/edit", **{**given, "revision": "0", "title": "The second"})
    assert late.status_code == 422 and "Somebody changed this meeting while you had it open." in words(late)
    assert one(superuser, "select title from meetings") == "The first" and 'value="The second"' in late.text
    assert save(title="The second").status_code == 303 and one(superuser, "select title from meetings") == "The second"


@pytest.mark.parametrize("revision", ["", "x", "-1", "9" * 30, "\x00"])
def test_a_revision_nobody_saw_changes_nothing(desk, superuser, given, mending_id, revision):
    answer = desk.submit(f"/admin/meetings/{mending_id}/edit", **{**given, "revision": revision, "title": "Sly"})
    assert answer.status_code == 422 and one(superuser, "select title from meetings") == "Mending hour"


@pytest.mark.parametrize("row", ["status = 'cancelled', cancellation_reason = 'Ill.'", "status = 'completed'"])
def test_what_another_did_between_looking_and_saving_is_not_undone(app, superuser, as_, dora, mending_id, row):
    """The row is looked at again by the statement that writes it."""
    with app.app_context():
        act_as(db.session(), Role("portal_admin", dora.id))
        meeting = db.session.get(Meeting, mending_id)
        superuser.execute(f"update meetings set {row}")
        with pytest.raises(actions.AlreadyBegun):
            actions.change(db.session(), meeting, like(meeting, title="Sly"), seen=meeting.revision)
        db.session.rollback()
    assert one(superuser, "select title from meetings") == "Mending hour"


def like(meeting, **changes):
    """The plan of a meeting, with something changed."""
    fields = {name: getattr(meeting, name) for name in actions.Plan.__dataclass_fields__}
    return actions.Plan(**{**fields, **changes})


# --- its hour has come -----------------------------------------------------------------------------------------------


def test_a_meeting_that_began_with_nobody_there_can_be_put_off(superuser, mending, save):
    superuser.execute("update meetings set status = 'active'")
    with at(mending[1] + timedelta(minutes=5)):
        assert save(start_time="21:30").status_code == 303
    assert superuser.execute("select status, starts_at from meetings").fetchone() == (
        "scheduled",
        mending[1] + HOUR / 2,
    )


def test_once_somebody_is_there_it_stays(superuser, mending, alice, save):
    answers(superuser, mending[0], accepted=[alice])
    superuser.execute("update meeting_attendances set joined_at = now()")
    with at(mending[1] + timedelta(minutes=5)):
        assert save(start_time="21:30").status_code == 422
    assert one(superuser, "select starts_at from meetings") == mending[1]


# --- offers and hosts ------------------------------------------------------------------------------------------------


def test_an_offer_ends_with_the_last_hour_of_the_new_start_and_is_told_again(
    work, mails, superuser, charlie, mending, save
):
    invite(superuser, charlie, SimpleNamespace(id=mending[0]), answer="offered", offer_expires_at=mending[1] - HOUR)
    save(start_time="19:00")
    assert one(superuser, "select offer_expires_at from meeting_attendances") == mending[1] - 3 * HOUR
    work()
    assert "held for you until 18:00 in Istanbul" in mails(charlie.email)[0]["text"] + mails(charlie.email)[1]["text"]


def test_a_host_is_called_as_the_person_is(superuser, sign_in, alice, save):
    save(host_email=alice.email)
    sign_in(alice).submit(
        "/account/profile", first_name="Alix", last_name="Moreau", timezone="UTC", preferred_meeting_time="20:00"
    )
    assert one(superuser, "select host_name from meetings") == "Alix Moreau"


@pytest.mark.parametrize("gone", ["is_active = false", "email_verified = false"])
def test_who_cannot_come_in_cannot_host(superuser, alice, save, gone):
    superuser.execute(f"update users set {gone} where id = %s", [alice.id])
    answer = save(host_email=alice.email)
    assert answer.status_code == 422 and said_at(answer, "host_email") == "Nobody in the club has this address."


def test_who_closed_the_account_hosts_nothing(superuser, alice, save):
    save(host_email=alice.email)
    superuser.execute("update users set closed_at = now() where id = %s", [alice.id])
    assert superuser.execute("select host_id, host_name from meetings").fetchone() == (None, None)
