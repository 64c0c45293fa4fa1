"""Afterwards: what the host leaves on the page of a past meeting, who reads it, and who is told of it once."""

from datetime import timedelta

import pytest

from portal.attendance import jobs
from portal.rooms.platform import ProviderError, Recording
from portal.rooms.sealing import seal, unseal
from tests.support.cast import ROOM_KEY
from tests.support.presence import has_room
from tests.support.reading import do, invite, link, one, operations, plan, said_at, words

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
RECORDED = "https://recordings.example.test/play?key=fifteen-spoons"


@pytest.fixture
def supper(superuser, people, alice, bob):
    """Yesterday's, led by Alice. She and Bob came; Charlie, Dora and Eve did not."""
    meeting = plan(superuser, "Supper", days=-1, status="completed", host_id=alice.id, host_name="Alice")
    for person in (alice, bob):
        invite(superuser, person, meeting, answer="accepted", outcome="attended", joined_at=meeting.starts_at)
    return meeting


@pytest.fixture
def browse(sign_in):
    """`browse(bob)`: somebody's browser, one for each."""
    browsers = {}
    return lambda person: browsers.setdefault(person, sign_in(person))


@pytest.fixture
def write(browse, supper):
    """`write(alice, "Thank you.")`: somebody saves notes."""
    return lambda person, notes: browse(person).submit(f"/meetings/{supper.id}/notes", notes=notes)


@pytest.fixture
def read(browse, supper):
    """`read(bob)`: the meeting's page as somebody gets it."""
    return lambda person: browse(person).get(f"/meetings/{supper.id}")


# --- notes -----------------------------------------------------------------------------------------------------------


def test_the_host_adds_notes_and_whoever_has_access_reads_them(write, read, superuser, alice, bob, charlie, supper):
    assert link(read(alice), "Add notes") == f"/meetings/{supper.id}/notes"
    assert write(alice, "Thank you. *Slides*: <https://slides.example.test/7>").status_code == 303
    for person in (alice, bob, charlie):
        assert "From the host Thank you. Slides: https://slides.example.test/7" in words(read(person))
    assert link(read(alice), "Change the notes") and link(read(bob), "Change the notes") is None
    assert operations(superuser).count("notes.written") == 1


def test_without_notes_members_read_nothing_of_them(read, bob):
    assert "From the host" not in words(read(bob))


def test_who_has_no_access_reads_them_only_after_coming(write, read, superuser, alice, bob, eve):
    write(alice, "Thank you.")
    superuser.execute("update users set access_until = now() where id = %s", [bob.id])
    assert "Thank you." in words(read(bob)) and "Thank you." not in words(read(eve))
    superuser.execute(
        "update meeting_attendances set outcome = 'no_show', joined_at = null where user_id = %s", [bob.id]
    )
    assert "Thank you." not in words(read(bob))


def test_those_of_a_private_meeting_are_for_its_guests(write, as_, superuser, alice, bob, charlie):
    write(alice, "Thank you.")
    superuser.execute("update meetings set is_private = true")
    found = {}
    for person in (bob, charlie):
        with as_(person) as connection:
            found[person] = one(connection, "select body from meeting_notes")
    assert found == {bob: "Thank you.", charlie: None}


def test_markup_is_cleaned(write, read, alice, bob):
    write(alice, "<script>alert(1)</script> [here](javascript:alert(1)) ![](https://spy.example.test/x.png) **bold**")
    page = read(bob).text.partition('id="from-the-host"')[2].partition("</section>")[0]
    assert "<strong>bold</strong>" in page and "&lt;script&gt;" in page
    assert "<script" not in page and "<img" not in page and 'href="javascript' not in page


def test_nobody_else_writes(write, browse, superuser, bob, charlie, supper):
    plan(superuser, "Another", days=-2, status="completed", host_id=bob.id)  # a host, and not of this one
    for person in (bob, charlie):
        assert write(person, "Mine.").status_code == 404
        assert browse(person).get(f"/meetings/{supper.id}/notes").status_code == 404
    assert one(superuser, "select count(*) from meeting_notes") == 0


def test_nor_in_the_database(as_, superuser, bob, supper):
    with as_(bob) as connection:
        assert one(connection, "select write_notes(%s, 'Mine.')", supper.id) is False


def test_an_admin_writes_with_a_fresh_code(write, superuser, alice, dora):
    assert write(dora, "From the club.").status_code == 303
    superuser.execute("update sign_ins set proved_at = proved_at - interval '31 minutes' where user_id = %s", [dora.id])
    assert write(dora, "Later.").location == "/account/second-factor"
    assert one(superuser, "select body from meeting_notes") == "From the club."


def test_too_much_is_told_at_the_field_and_what_was_typed_stays(write, superuser, alice):
    answer = write(alice, "x" * 10_001)
    assert answer.status_code == 422 and said_at(answer, "notes") == "Use at most 10,000 characters here."
    assert "x" * 10_001 in answer.text and one(superuser, "select count(*) from meeting_notes") == 0


def test_an_empty_text_removes_them(write, read, superuser, alice, bob):
    write(alice, "Thank you.")
    write(alice, "  ")
    assert "From the host" not in words(read(bob)) and "notes.removed" in operations(superuser)


def test_the_log_has_none_of_the_text(write, superuser, alice):
    write(alice, "Fifteen spoons.")
    assert "spoons" not in str(superuser.execute("select array_agg(to_jsonb(l)) from system_logs l").fetchone())


@pytest.mark.parametrize(
    "columns", [{"status": "scheduled", "days": 2}, {"status": "cancelled", "days": -1, "cancellation_reason": "Ill."}]
)
def test_before_the_end_and_of_what_was_cancelled_there_are_none(browse, as_, superuser, alice, columns):
    meeting = plan(superuser, "Other", host_id=alice.id, **columns)
    assert browse(alice).get(f"/meetings/{meeting.id}/notes").status_code == 404
    assert browse(alice).submit(f"/meetings/{meeting.id}/notes", notes="Early.").status_code == 404
    with as_(alice) as connection:
        assert one(connection, "select write_notes(%s, 'Early.')", meeting.id) is False


# --- who came is told ------------------------------------------------------------------------------------------------


@pytest.fixture
def minutes_later(worker_app, work, superuser):
    """Jobs that were put off are due, and done."""

    def wait():
        superuser.execute("update procrastinate_jobs set scheduled_at = now() where status = 'todo'")
        work()

    return wait


def test_who_came_is_told_once_and_not_at_once(write, work, minutes_later, mails, alice, bob, charlie, supper):
    write(alice, "Thank yuo.")
    write(alice, "Thank you.")
    work()
    assert mails(bob.email) == []
    minutes_later()
    write(alice, "Thank you all.")
    minutes_later()
    (mail,) = mails(bob.email)
    assert mail["subject"] == "The notes of Supper are ready" and f"/meetings/{supper.id}" in mail["text"]
    assert "Thank" not in mail["text"] and mails(alice.email) == mails(charlie.email) == []


def test_once_holds_when_the_mails_are_forgotten(write, minutes_later, mails, superuser, alice, bob):
    write(alice, "Thank you.")
    minutes_later()
    superuser.execute("delete from mails")
    write(alice, "")
    write(alice, "Thank you again.")
    minutes_later()
    assert len(mails(bob.email)) == 1


def test_of_what_was_removed_meanwhile_nobody_is_told_until_there_is_something(write, minutes_later, mails, alice, bob):
    write(alice, "Wrong meeting.")
    write(alice, "")
    minutes_later()
    assert mails(bob.email) == []
    write(alice, "Thank you.")
    minutes_later()
    assert len(mails(bob.email)) == 1


# --- recordings ------------------------------------------------------------------------------------------------------


class Outside:
    """A platform that has recordings, fails, or both."""

    name = "zoom"

    def __init__(self):
        self.recorded, self.trouble, self.times_asked = [Recording("r1", "recording", RECORDED)], None, 0

    def recordings(self, provider_id):
        self.times_asked += 1
        if self.trouble:
            raise self.trouble
        return self.recorded


@pytest.fixture
def outside(worker_app, superuser, supper):
    has_room(superuser, supper)
    platform = Outside()
    worker_app.extensions["platforms"] = {"zoom": platform}
    yield platform
    del worker_app.extensions["platforms"]


@pytest.fixture
def offered(superuser, supper):
    """A recording that is offered; its id."""
    return one(
        superuser,
        "insert into recordings (meeting_id, recording_id, kind, address, offered_at)"
        " values (%s, 'r1', 'recording', %s, now()) returning id",
        supper.id,
        seal(RECORDED, ROOM_KEY),
    )


@pytest.fixture
def press(browse, supper, offered):
    """`press(alice, "publish")`: somebody publishes the recording, or takes it back."""
    return lambda person, what: browse(person).submit(f"/meetings/{supper.id}/recordings/{offered}/{what}")


def test_what_was_recorded_is_kept_sealed_and_the_host_told_once(
    outside, worker_app, work, mails, superuser, alice, supper
):
    for _twice in range(2):
        do(worker_app, jobs.fetch_recordings_of, meeting_id=str(supper.id))
    outside.recorded += [Recording("r2", "recording", f"{RECORDED}2")]
    do(worker_app, jobs.fetch_recordings_of, meeting_id=str(supper.id))
    kept = [sealed for (sealed,) in superuser.execute("select address from recordings order by recording_id")]
    assert [unseal(sealed, ROOM_KEY) for sealed in kept] == [RECORDED, f"{RECORDED}2"] and RECORDED not in kept
    work()
    (mail,) = mails(alice.email)
    assert "Nobody sees the recording until you publish it." in mail["text"] and "recordings.example" not in str(mail)


def test_zooms_word_for_it_has_it_fetched(outside, worker_app, superuser, supper):
    room = one(superuser, "select meeting_id from meetings")
    superuser.execute(
        "insert into room_events (id, platform, kind, provider_id, body, occurred_at, received_at)"
        " values ('1', 'zoom', 'recorded', %s, jsonb_build_object('event', 'recording.completed', 'event_ts', 1,"
        " 'payload', jsonb_build_object('object', jsonb_build_object('id', %s::text, 'uuid', 'u'))), now(), now())",
        [room, room],
    )
    do(worker_app, jobs.take_in_event, event_id="1")
    waiting = "select args ->> 'meeting_id' from procrastinate_jobs where task_name = 'attendance.fetch_recordings_of'"
    assert one(superuser, waiting) == str(supper.id)


def test_the_platform_is_asked_three_times_also_when_it_fails(outside, worker_app, superuser, supper):
    superuser.execute("update rooms set reported_at = now()")
    for hours in (0.9, 1, 1.1, 6, 7, 24, 25, 100):
        outside.trouble = ProviderError("Zoom is down.") if hours < 20 else None
        do(worker_app, jobs.fetch_recordings, supper.ends_at + hours * HOUR)
    assert outside.times_asked == 3 and one(superuser, "select count(*) from recordings") == 1
    assert operations(superuser).count("recording.not-told") == 2


def test_an_address_that_is_none_of_the_web_is_not_kept(outside, worker_app, superuser, supper):
    outside.recorded = [Recording("r1", "recording", "javascript:alert(1)")]
    do(worker_app, jobs.fetch_recordings_of, meeting_id=str(supper.id))
    assert one(superuser, "select count(*) from recordings") == 0


def test_an_offered_one_is_the_hosts_to_see(offered, read, browse, alice, bob, supper):
    assert "1 recording is there that nobody else sees until you publish it." in words(read(alice))
    assert RECORDED not in read(alice).text and RECORDED not in read(bob).text
    assert f'href="{RECORDED}"' in browse(alice).get(f"/meetings/{supper.id}/notes").text


def test_one_that_is_not_published_is_not_the_members(offered, as_, alice, bob):
    found = {}
    for person in (alice, bob):
        with as_(person) as connection:
            found[person] = one(connection, "select count(*) from recordings")
    assert found == {alice: 1, bob: 0}


def test_published_it_is_a_link_that_tells_nothing_of_the_page(press, read, superuser, alice, bob, eve):
    assert press(alice, "publish").status_code == 303
    (line,) = [line for line in read(bob).text.splitlines() if RECORDED in line]
    assert 'target="_blank" rel="noopener noreferrer"' in line and "Open the recording" in line
    assert RECORDED not in read(eve).text
    assert "recording.published" in operations(superuser)


def test_taken_back_it_is_gone(press, read, superuser, alice, bob):
    press(alice, "publish")
    press(alice, "take-back")
    assert "From the host" not in words(read(bob)) and "recording.taken-back" in operations(superuser)


def test_nobody_else_publishes(press, as_, superuser, bob, charlie, supper, offered):
    for person in (bob, charlie):
        assert press(person, "publish").status_code == 404
        with as_(person) as connection:
            assert one(connection, "select publish_recording(%s, %s, true)", supper.id, offered) is False
    assert one(superuser, "select published_at from recordings") is None


def test_the_host_of_another_meeting_publishes_none_of_this_one(browse, superuser, bob, offered):
    other = plan(superuser, "Another", days=-2, status="completed", host_id=bob.id)
    answer = browse(bob).submit(f"/meetings/{other.id}/recordings/{offered}/publish")
    assert answer.status_code == 404 and one(superuser, "select published_at from recordings") is None


def test_a_recording_alone_is_told_too_and_notes_after_it_are_not(press, write, minutes_later, mails, alice, bob):
    press(alice, "publish")
    minutes_later()
    write(alice, "Thank you.")
    minutes_later()
    (mail,) = mails(bob.email)
    assert mail["subject"] == "The recording of Supper is ready" and "recordings.example" not in str(mail)
