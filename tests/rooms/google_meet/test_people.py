"""Who was in a room at Google Meet, while it runs and afterwards."""

from datetime import datetime
from uuid import uuid4

import pytest

from tests.rooms.google_meet.conftest import EVENING, after

ANA = "users/100000000000000000001"


def stays(report):
    """What a report says, in an order of its own: (identity's kind or account, name, joined, left)."""
    return sorted(
        (row.participant.account or "", row.participant.name, row.joined_at, row.left_at or after(9999))
        for row in report.sightings
    )


@pytest.fixture
def evening(google, code):
    """Ana on a laptop and a phone, dropping once; Bilal as a guest who comes back; somebody by telephone."""
    laptop = google.sit(code, "Ana Duarte", ANA, at=after(0))
    phone = google.sit(code, "Ana Duarte", ANA, at=after(10))
    guest = google.sit(code, "iPad von Tom", at=after(1))
    caller = google.sit(code, "+44 ··· ··· 321", phone=True, at=after(2))
    google.leave(laptop, after(20))
    google.leave(guest, after(5))
    again = google.sit(code, "iPad von Tom", at=after(7))
    for session, minute in ((caller, 30), (phone, 40), (again, 50)):
        google.leave(session, after(minute))


def test_every_stay_is_told(meet, room, evening):
    assert stays(meet.report(room.provider_id)) == [
        ("", "+44 ··· ··· 321", after(2), after(30)),
        ("", "iPad von Tom", after(1), after(5)),
        ("", "iPad von Tom", after(7), after(50)),
        (ANA, "Ana Duarte", after(0), after(20)),
        (ANA, "Ana Duarte", after(10), after(40)),
    ]


def test_a_signed_in_person_is_one_on_two_devices_and_a_guest_is_new_each_time(meet, room, evening):
    identities = {}
    for row in meet.report(room.provider_id).sightings:
        identities.setdefault(row.participant.name, set()).add(row.participant.identity)
    assert identities["Ana Duarte"] == {ANA}
    assert len(identities["iPad von Tom"]) == 2


def test_no_address_of_anybody_is_known(meet, room, evening):
    assert {row.participant.email for row in meet.report(room.provider_id).sightings} == {None}


def test_sessions_have_names_of_their_own(meet, room, evening):
    assert len({row.session for row in meet.report(room.provider_id).sightings}) == 5


def test_it_is_whole_when_everybody_has_left(meet, room, evening):
    report = meet.report(room.provider_id)
    assert (report.is_whole, report.started_at, report.ended_at) == (True, after(0), after(50))


def test_it_is_not_whole_while_somebody_is_inside(meet, google, room, code):
    google.sit(code, "Ana Duarte", ANA, at=after(0))
    report = meet.inside(room.provider_id)
    assert (report.is_whole, report.started_at, report.ended_at) == (False, after(0), None)
    assert stays(report) == [(ANA, "Ana Duarte", after(0), after(9999))]


def test_it_is_not_whole_while_the_end_of_a_stay_is_not_told(meet, google, room, evening):
    with google.books() as books:
        books.run("update sessions set ended = null where seq = 1")
    report = meet.report(room.provider_id)
    assert (report.is_whole, report.ended_at) == (False, None)


def test_nobody_yet_is_not_whole(meet, room):
    report = meet.report(room.provider_id)
    assert (list(report.sightings), report.is_whole) == ([], False)


def test_a_room_everybody_left_and_came_back_to_is_one_evening(meet, google, room, code):
    google.leave(google.sit(code, "Ana Duarte", ANA, at=after(0)), after(10))
    google.leave(google.sit(code, "Ana Duarte", ANA, at=after(15)), after(50))
    report = meet.report(room.provider_id)
    assert (report.started_at, report.ended_at) == (after(0), after(50))
    assert {row.participant.identity for row in report.sightings} == {ANA}


def test_another_meetings_people_are_not_in_it(meet, google, room):
    other = meet.create(EVENING._replace(meeting_id=uuid4()))
    google.sit(other.address.rpartition("/")[2], "Ana Duarte", ANA)
    assert list(meet.report(room.provider_id).sightings) == []


def test_records_that_come_late_leave_it_open(meet, google, room, evening):
    google.switch(late_minutes=9999 * 60)
    assert not meet.report(room.provider_id).is_whole


def test_every_page_is_read(meet, google, room, code):
    google.switch(page=2)
    for number in range(5):
        google.leave(google.sit(code, "Ana Duarte", ANA, at=after(number)), after(number + 0.5))
    for number in range(5):
        google.sit(code, f"Guest {number}", at=after(10))
    assert len(meet.report(room.provider_id).sightings) == 10


def test_times_of_nine_decimals_are_read(meet, google, room, code):
    google.sit(code, "Ana Duarte", ANA, at=after(0))
    with google.books() as books:
        books.run("update sessions set started = '2026-11-30T18:00:00.123456789Z'")
    [row] = meet.report(room.provider_id).sightings
    assert row.joined_at == datetime.fromisoformat("2026-11-30T18:00:00.123456+00:00")


def test_a_recording_is_offered_when_its_file_is_there(meet, google, room, code):
    session = google.sit(code, "Ana Duarte", ANA)
    conference = session.partition("/participants")[0]
    google.record(conference)
    assert meet.recordings(room.provider_id) == []
    google.leave(session)
    [recording] = meet.recordings(room.provider_id)
    assert recording.recording_id.startswith(conference)
    assert recording.address.startswith(google.url)
