"""Rooms at a platform: made a day before, following their meeting, failing aloud, and open to each person."""

from dataclasses import replace
from datetime import timedelta
from threading import Thread

import pytest

from portal import clock
from portal.rooms.jobs import erase, follow
from portal.rooms.platform import ProviderError, RoomGoneError
from tests.rooms.conftest import HOUR, MINUTE, opened
from tests.support.reading import answers, do, invite, one, operations, waited_for, words

DAY = 24 * 60
LINK = "https://meet.example.test/typed"


def test_a_room_is_made_a_day_before_and_once(tended, outside, state, superuser):
    tended(-DAY - 1)
    assert (state(), outside.calls) == ("none", [])
    tended(-DAY)
    tended(-DAY + 1)
    assert (state(), outside.calls) == ("ready", ["create"])
    sealed, number = superuser.execute("select meeting_link, meeting_id from meetings").fetchone()
    assert (opened(sealed), number) == ("https://meet.example.test/901", "901")
    assert operations(superuser) == ["room.ready"]


def test_where_a_link_was_typed_none_is_made(tended, outside, sign_in, alice, evening):
    sign_in(alice).submit(f"/meetings/{evening.id}/room", link=LINK)
    tended(-60)
    assert outside.calls == []


def test_whoever_waits_hears_of_the_room(tended, connect, evening):
    listening = connect("portal_web", autocommit=True)
    listening.execute("listen meetings")
    tended(0)
    assert [note.payload for note in listening.notifies(timeout=2, stop_after=1)] == [str(evening.id)]


# --- bad days ------------------------------------------------------------------------------------------------------------


def test_a_failure_is_shown_tried_again_with_growing_pauses_and_told_once(
    tended, outside, state, work, mails, sign_in, alice, dora, charlie, evening
):
    outside.troubles = [ProviderError("Zoom does not answer.")] * 3
    for minutes in (-60, -59, -58, -57, -56, -55, -54):
        tended(minutes)
    assert outside.calls == ["create"] * 3 and state() == "failed"  # at -60, -59 and -57
    with clock.at(evening.starts_at - 54 * MINUTE):
        for page in (
            sign_in(alice).get(f"/meetings/{evening.id}"),
            sign_in(dora).get(f"/admin/meetings/{evening.id}"),
            sign_in(dora).get("/admin"),
        ):
            assert "Zoom does not answer." in words(page)
        assert "Zoom does not answer." not in sign_in(charlie).get(f"/meetings/{evening.id}").text
    work()
    assert [len(mails(person.email)) for person in (alice, dora, charlie)] == [1, 1, 0]
    assert "Zoom does not answer." in mails(alice.email)[0]["text"]
    tended(-53)
    assert state() == "ready" and outside.calls[3] == "create"


def test_the_platform_says_how_long_to_leave_it_alone(tended, outside):
    outside.troubles = [ProviderError("Too many requests.", after=timedelta(minutes=30))]
    for minutes in (-60, -45, -31):
        tended(minutes)
    assert outside.calls == ["create"]
    tended(-30)
    assert outside.calls[:2] == ["create", "create"]


def test_what_no_further_try_mends_waits_for_a_person(tended, outside, state, sign_in, alice, worker_app, evening):
    outside.troubles = [ProviderError("The account is closed.", again=False)]
    for minutes in (-600, -60, 0):
        tended(minutes)
    assert (state(), outside.calls) == ("failed", ["create"])
    with clock.at(evening.starts_at):
        hers = sign_in(alice)
        assert "It is not tried again automatically." in words(hers.get(f"/meetings/{evening.id}/room"))
        assert (
            "The room is being made again." in hers.get(hers.submit(f"/meetings/{evening.id}/room/again").location).text
        )
    do(worker_app, follow, evening.starts_at, meeting_id=str(evening.id))
    assert state() == "ready"


def test_a_failed_room_does_not_block_the_evening(tended, outside, enter, sign_in, alice, charlie, evening):
    outside.troubles = [ProviderError("Zoom does not answer.")]
    tended(0)
    assert "The room isn’t open yet." in words(enter(charlie, 0))
    with clock.at(evening.starts_at):
        sign_in(alice).submit(f"/meetings/{evening.id}/room", link=LINK)
    assert enter(charlie, 1).location == LINK
    tended(2)
    assert outside.calls == ["create"]


def test_the_worker_that_died_after_the_platform_made_the_room_finds_it_again(tended, outside, state, superuser):
    def die():
        raise SystemExit

    outside.while_asked = die
    with pytest.raises(SystemExit):
        tended(-60)
    assert (state(), len(outside.rooms)) == ("requested", 1)
    outside.while_asked = lambda: None
    tended(-59)
    assert outside.calls == ["create"]  # it may still be at it
    tended(-57)
    assert (state(), len(outside.rooms)) == ("ready", 1)


def test_of_two_workers_one_asks(tended, outside, worker_app, evening):
    outside.while_asked = lambda: do(worker_app, follow, evening.starts_at - 60 * MINUTE, meeting_id=str(evening.id))
    tended(-60)
    assert outside.calls.count("create") == 1


def test_nothing_is_held_while_the_platform_is_asked(tended, outside, superuser):
    def press():
        with superuser.transaction():
            superuser.execute("set local lock_timeout = '100ms'")
            superuser.execute("update meetings set title = 'Late supper'")
            superuser.execute("update rooms set attempts = attempts")

    outside.while_asked = press
    tended(-60)
    assert outside.calls[0] == "create"


def test_a_link_typed_while_the_platform_was_asked_stays(tended, outside, superuser, sign_in, alice, evening):
    def type_it():
        sign_in(alice).submit(f"/meetings/{evening.id}/room", link=LINK)

    outside.while_asked = type_it
    tended(-60)
    assert opened(one(superuser, "select meeting_link from meetings")) == LINK
    assert outside.rooms == {}  # deleted there: it is nobody's


def test_a_link_that_is_just_being_typed_stays_too(tended, outside, superuser, database, evening):
    """Its transaction is still open when the worker comes to keep the room, and waits for it."""
    with database.connect() as typing:

        def type_it():
            typing.execute("select keep_link(array[%s]::uuid[], 'typed')", [evening.id])
            Thread(target=lambda: (waited_for(superuser), typing.commit())).start()

        outside.while_asked = type_it
        tended(-60)
    assert one(superuser, "select meeting_link from meetings") == "typed" and outside.rooms == {}


# --- the meeting changes -------------------------------------------------------------------------------------------------


@pytest.fixture
def made(tended, outside, evening):
    """The evening's room is there."""
    tended(-DAY)
    outside.calls.clear()
    return evening


@pytest.mark.parametrize(
    "change", ["title = 'Late supper'", "duration = 90", "starts_at = starts_at + interval '1 hour'"]
)
def test_the_room_follows_what_changes(made, tended, outside, superuser, change):
    superuser.execute(f"update meetings set {change}")
    tended(-60)
    tended(-59)
    assert outside.calls == ["change"]
    (plan,) = outside.rooms.values()
    assert (plan.title, plan.minutes, plan.starts_at) == superuser.execute(
        "select title, duration, starts_at from meetings"
    ).fetchone()


def test_a_room_deleted_by_hand_is_made_anew_when_the_meeting_moves(made, tended, outside, superuser):
    outside.rooms.clear()
    superuser.execute("update meetings set title = 'Late supper'")
    tended(-60)
    assert outside.calls[:2] == ["change", "create"] and len(outside.rooms) == 1
    assert opened(one(superuser, "select meeting_link from meetings")).endswith("/901")


def test_and_when_somebody_is_to_be_registered(made, tended, outside, superuser, charlie, state):
    outside.rooms.clear()
    answers(superuser, made.id, accepted=[charlie])
    tended(-60)
    assert state() == "gone"
    tended(-59)
    assert state() == "ready" and len(outside.rooms) == 1


def test_a_room_that_could_not_be_changed_still_opens(made, tended, outside, enter, charlie, superuser, sign_in, alice):
    outside.troubles = [ProviderError("Zoom does not answer.")]
    superuser.execute("update meetings set title = 'Late supper'")
    tended(-1)
    assert enter(charlie).location == "https://meet.example.test/901"
    with clock.at(made.starts_at):
        assert "The room could not be changed" in words(sign_in(alice).get(f"/meetings/{made.id}/room"))


def test_a_cancelled_meeting_lets_its_room_go_and_a_reinstated_one_gets_another(
    made, tended, outside, superuser, charlie, state
):
    answers(superuser, made.id, accepted=[charlie])
    tended(-600)
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill.'")
    tended(-599)
    assert (state(), outside.rooms) == ("gone", {})
    assert superuser.execute("select meeting_link, meeting_id from meetings").fetchone() == (None, None)
    assert one(superuser, "select count(*) from room_registrants") == 0
    superuser.execute("update meetings set status = 'scheduled', cancellation_reason = null")
    tended(-598)
    assert (state(), len(outside.rooms)) == ("ready", 1)


def test_a_room_that_is_found_again_before_it_was_deleted_stays(made, tended, outside, superuser, worker_app, state):
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill.'")
    do(worker_app, follow, made.starts_at - 600 * MINUTE, meeting_id=str(made.id))
    superuser.execute("update meetings set status = 'scheduled', cancellation_reason = null")
    tended(-599)
    tended(-598)
    assert (state(), list(outside.rooms)) == ("ready", ["901"])


def test_of_two_rooms_that_were_made_at_once_one_is_deleted(tended, outside, superuser, worker_app, evening, state):
    """Somebody pressed "make it again" while a worker was at it, and the platform showed neither the other's room."""

    def meanwhile():
        outside.while_asked = lambda: None
        hidden = outside.rooms.popitem()
        superuser.execute("update rooms set next_try_at = null")
        do(worker_app, follow, evening.starts_at - 60 * MINUTE, meeting_id=str(evening.id))
        outside.rooms |= [hidden]

    outside.while_asked = meanwhile
    tended(-60)
    assert state() == "ready"
    assert list(outside.rooms) == [one(superuser, "select meeting_id from meetings")]


def test_nobody_is_sent_to_a_room_that_was_deleted_while_no_new_one_can_be_made(
    made, tended, outside, superuser, enter, charlie, state
):
    outside.rooms.clear()
    outside.troubles = [RoomGoneError(), ProviderError("Zoom does not answer.")]
    superuser.execute("update meetings set title = 'Late supper'")
    tended(-1)
    assert state() == "failed" and "The room isn’t open yet." in words(enter(charlie))


def test_the_host_reads_that_a_room_is_gone(app, made, superuser, evening, alice, sign_in, monkeypatch):
    at_zoom = replace(app.config["SETTINGS"], zoom_account="club", zoom_client="app")
    monkeypatch.setitem(app.config, "SETTINGS", at_zoom)
    superuser.execute("update meetings set provision_state = 'gone', host_id = %s", [alice.id])
    page = words(sign_in(alice).get(f"/meetings/{evening.id}/room"))
    assert "The room is gone It was deleted on Zoom. Another is made within a minute." in page


def test_a_room_that_cannot_be_deleted_is_tried_again(made, tended, outside, superuser):
    superuser.execute("delete from meetings")
    outside.troubles = [ProviderError("Zoom does not answer.")]
    tended(-600)
    tended(-599)
    assert outside.calls == ["remove", "remove"] and outside.rooms == {}
    assert one(superuser, "select count(*) from obsolete_rooms") == 0


def test_a_typed_link_replaces_it_and_it_is_deleted_there(made, tended, outside, sign_in, alice, superuser):
    sign_in(alice).submit(f"/meetings/{made.id}/room", link=LINK)
    tended(-600)
    assert outside.rooms == {} and opened(one(superuser, "select meeting_link from meetings")) == LINK


def test_the_events_of_the_programme_are_followed_at_once(made, outside, desk, work, superuser):
    desk.submit(f"/admin/meetings/{made.id}/cancellation", reason="The host is ill.")
    work()
    assert one(superuser, "select provision_state from meetings") == "gone"


def test_of_archived_meetings_no_address_is_kept(made, worker_app, superuser, charlie):
    invite(superuser, charlie, made, answer="accepted")
    superuser.execute(
        "insert into room_registrants (meeting_id, user_id, registrant_id, address) values (%s, %s, 'r', 'sealed')",
        [made.id, charlie.id],
    )
    superuser.execute("update rooms set host_address = 'sealed'")
    superuser.execute(
        "update meetings set status = 'archived', archived_from = 'completed', archived_at = now(), meeting_link = null,"
        " meeting_id = null"
    )
    do(worker_app, erase)
    assert one(superuser, "select count(*) from room_registrants") == 0
    assert one(superuser, "select host_address from rooms") is None


# --- an address for each person ------------------------------------------------------------------------------------------


def test_each_person_who_said_yes_is_led_by_an_address_of_their_own(
    made, tended, outside, enter, superuser, charlie, bob
):
    answers(superuser, made.id, accepted=[charlie])
    tended(-60)
    assert enter(charlie).location == "https://meet.example.test/901/Charlie"
    assert enter(bob).location == "https://meet.example.test/901"
    assert "Charlie" not in str(superuser.execute("select address from room_registrants").fetchall())


def test_whom_the_platform_refuses_takes_nobodys_address(made, tended, outside, enter, superuser, alice, charlie):
    """Zoom gives its own host none, who is often the first to say yes."""
    outside.refused = ["Alice"]
    answers(superuser, made.id, accepted=[alice])
    tended(-600)
    answers(superuser, made.id, accepted=[charlie])
    tended(-60)
    assert enter(charlie).location == "https://meet.example.test/901/Charlie"


def test_addresses_into_a_room_that_was_replaced_meanwhile_are_given_to_nobody(
    made, tended, outside, enter, superuser, sign_in, alice, charlie
):
    def type_it():
        sign_in(alice).submit(f"/meetings/{made.id}/room", link=LINK)

    answers(superuser, made.id, accepted=[charlie])
    outside.while_asked = type_it
    tended(-60)
    assert outside.calls[0] == "register" and enter(charlie).location == LINK


def test_nor_is_the_hosts(made, tended, outside, enter, sign_in, alice):
    outside.while_asked = lambda: sign_in(alice).submit(f"/meetings/{made.id}/room", link=LINK)
    tended(-45)
    assert outside.calls[0] == "host_address" and enter(alice).location == LINK


def test_hundreds_are_registered_some_at_a_time(made, tended, outside, superuser):
    from tests.support.cast import crowd

    superuser.execute("update meetings set max_attendees = null")
    answers(superuser, made.id, accepted=crowd(superuser, 70))
    tended(-60)
    assert outside.calls == ["register"] * 3 and one(superuser, "select count(*) from room_registrants") == 70


def test_who_says_no_after_all_loses_it_and_gets_it_again_with_a_new_yes(made, tended, outside, superuser, charlie):
    answers(superuser, made.id, accepted=[charlie])
    tended(-60)
    superuser.execute("update meeting_attendances set answer = 'declined'")
    tended(-59)
    assert outside.registrants == {} and one(superuser, "select revoked_at from room_registrants") is not None
    superuser.execute("update meeting_attendances set answer = 'accepted'")
    tended(-58)
    assert len(outside.registrants) == 1 and one(superuser, "select revoked_at from room_registrants") is None


def test_who_loses_access_loses_it_too(made, tended, outside, superuser, charlie):
    answers(superuser, made.id, accepted=[charlie])
    tended(-60)
    superuser.execute("update users set access_until = now() where id = %s", [charlie.id])
    tended(-59)
    assert outside.registrants == {}


def test_a_platform_without_personal_addresses_is_asked_once(made, tended, outside, enter, superuser, charlie):
    outside.has_registrants = False
    answers(superuser, made.id, accepted=[charlie])
    for minutes in (-60, -59, -58):
        tended(minutes)
    assert outside.calls.count("register") == 1
    assert enter(charlie).location == "https://meet.example.test/901"


def test_the_host_gets_an_own_address_before_the_hosts_door_and_a_new_one_each_hour(
    made, tended, outside, enter, alice, superuser
):
    tended(-51)
    assert outside.calls == []
    tended(-50)
    assert enter(alice, -40).location == "https://meet.example.test/901/host"
    for minutes in (-49, 9, 10, 11):
        tended(minutes)
    assert outside.calls.count("host_address") == 2


def test_an_address_of_the_host_that_ran_out_is_not_used(made, tended, enter, alice, superuser):
    tended(-50)
    superuser.execute("update rooms set host_address_until = %s", [made.starts_at])
    assert enter(alice, 1).location == "https://meet.example.test/901"


def test_a_platform_that_refuses_addresses_closes_no_door(made, tended, outside, enter, superuser, charlie, caplog):
    outside.troubles = [ProviderError("Too many registrants today.", again=False)]
    answers(superuser, made.id, accepted=[charlie])
    for minutes in (-60, -59):
        tended(minutes)
    assert outside.calls == ["register"] and "Too many registrants today." in caplog.text
    assert enter(charlie).location == "https://meet.example.test/901"


def test_whoevers_registrations_are_used_up_for_the_day_the_host_comes_in(
    made, tended, outside, enter, superuser, alice, charlie
):
    """Each yes after a no is a registration, and a platform takes few of one person a day."""
    answers(superuser, made.id, accepted=[charlie])
    outside.troubles = [ProviderError("The daily limit is reached.", after=6 * HOUR)] * 3
    for minutes in (-300, -295, -51):
        tended(minutes)
    outside.troubles = []
    tended(-46)
    assert enter(alice, -40).location == "https://meet.example.test/901/host"


def test_and_the_host_is_seen_to_before_the_others(made, tended, outside, superuser, charlie):
    answers(superuser, made.id, accepted=[charlie])
    tended(-50)
    assert outside.calls == ["host_address", "register"]


def test_of_two_workers_one_registers(made, tended, outside, worker_app, superuser, charlie):
    answers(superuser, made.id, accepted=[charlie])
    outside.while_asked = lambda: do(worker_app, follow, made.starts_at - 60 * MINUTE, meeting_id=str(made.id))
    tended(-60)
    assert outside.calls == ["register"]


def test_a_room_that_is_ready_can_be_checked_and_stays_open_meanwhile(
    made, outside, sign_in, alice, work, state, superuser
):
    outside.rooms.clear()
    sign_in(alice).submit(f"/meetings/{made.id}/room/again")
    assert state() == "ready"
    with clock.at(made.starts_at - 600 * MINUTE):
        work()
    assert outside.calls == ["change", "create"] and state() == "ready"
