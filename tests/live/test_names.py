"""Names are for readers with access: a stream that outlives the access goes on without them."""

import time

import pytest

from portal.live.pictures import Pictures
from portal.live.reader import Reader as OpenStream
from portal.live.token import Audience, Ticket

from .conftest import Place

NAMES = "2 seats taken (Europe/Berlin)"
NO_NAMES = "2 seats taken (Europe/Berlin, no names)"


@pytest.fixture
def place(make_live):
    with Place(make_live(tick_seconds=0.05)) as quick:
        yield quick


def soon(club) -> int:
    """Alice's access ends in a second or two."""
    club.access_ends["alice"] = int(time.time()) + 2
    return club.access_ends["alice"]


def test_who_loses_access_while_watching_loses_the_names_within_a_second(place, club):
    ends = soon(club)
    reader = place.open(names_until=ends)
    assert [reader.sees(), reader.sees()] == [NAMES, NO_NAMES]
    assert 0 <= time.time() - ends < 1


def test_others_keep_theirs(place, club):
    reader, other = place.open(names_until=soon(club)), place.open(sign_in="bilal")
    assert [reader.sees(), reader.sees(), other.sees()] == [NAMES, NO_NAMES, NAMES]
    club.meetings["supper"] = "3 seats taken"
    place.tell(place.live.changed, "supper")
    assert (reader.sees(), other.sees()) == ("3 seats taken (Europe/Berlin, no names)", "3 seats taken (Europe/Berlin)")


def test_access_that_was_prolonged_meanwhile_keeps_the_names(place, club):
    reader = place.open(names_until=int(time.time()))
    assert reader.sees() == NAMES
    time.sleep(0.3)
    club.meetings["supper"] = "3 seats taken"
    place.tell(place.live.changed, "supper")
    assert reader.sees() == "3 seats taken (Europe/Berlin)"


def test_who_comes_back_after_the_access_ended_sees_no_names(place, club):
    club.access_ends["alice"] = time.time() - 1
    assert place.open(names_until=int(time.time()) - 1).sees() == NO_NAMES


def test_whose_sign_in_ended_with_the_access_sees_nothing_more(place, club):
    reader = place.open(names_until=soon(club))
    assert reader.sees() == NAMES
    club.signed_out.add("alice")
    assert reader.sees() == ""


def test_a_reader_who_left_while_the_database_was_asked_stays_away():
    ticket, pictures = Ticket("supper", Audience("Europe/Berlin", True), "alice", 0), Pictures()
    gone = OpenStream(lambda _message: None, ticket)
    pictures.join(gone)
    pictures.leave(gone)
    pictures.move(gone, ticket.without_names())
    assert pictures.readers() == []
