"""Names are for readers with access: a stream that outlives the access goes on without them."""

import time
from datetime import timedelta

import pytest

from portal import clock
from portal.live.cached_fragments import CachedFragments
from portal.live.sse_client import SseClient as OpenStream
from portal.live.stream import ASK_AGAIN_SECONDS
from portal.live.token import Audience, Ticket
from tests.support.orders import given

from .conftest import Place

NAMES = "2 seats taken (Europe/Berlin)"
NO_NAMES = "2 seats taken (Europe/Berlin, no names)"


def test_who_loses_access_while_watching_loses_the_names_within_two_seconds(place, club):
    reader = place.open(names_until=int(time.time()) + 1)
    assert reader.sees() == NAMES
    club.lapsed.add("alice")
    began = time.monotonic()
    assert reader.sees() == NO_NAMES
    assert time.monotonic() - began < 3


def test_others_keep_theirs(place, club):
    reader, other = place.open(names_until=int(time.time())), place.open(sign_in="bilal")
    assert (reader.sees(), other.sees()) == (NAMES, NAMES)
    club.lapsed.add("alice")
    assert reader.sees() == NO_NAMES
    club.meetings["supper"] = "3 seats taken"
    place.tell(place.live.changed, "supper")
    assert (reader.sees(), other.sees()) == ("3 seats taken (Europe/Berlin, no names)", "3 seats taken (Europe/Berlin)")


def test_access_that_was_prolonged_meanwhile_keeps_the_names(make_live, club):
    with Place(make_live(tick_seconds=0.05)) as place:
        reader = place.open(names_until=int(time.time()))
        assert reader.sees() == NAMES
        time.sleep(0.5)
        club.meetings["supper"] = "3 seats taken"
        place.tell(place.live.changed, "supper")
        assert reader.sees() == "3 seats taken (Europe/Berlin)"


def test_who_comes_back_after_the_access_ended_sees_no_names(place, club):
    club.lapsed.add("alice")
    assert place.open(names_until=int(time.time()) - 1).sees() == NO_NAMES


def test_whose_sign_in_ended_with_the_access_sees_nothing_more(place, club):
    reader = place.open(names_until=int(time.time()) + 1)
    assert reader.sees() == NAMES
    club.signed_out.add("alice")
    assert reader.sees() == ""


def test_what_was_cut_short_or_closed_to_somebody_is_found_out_before_long(place, club, monkeypatch):
    monkeypatch.setattr("portal.live.stream.ASK_AGAIN_SECONDS", [0.2])
    lapsed, closed_to, other = place.open(), place.open(sign_in="bilal"), place.open(sign_in="dora")
    assert [each.sees() for each in (lapsed, closed_to, other)] == [NAMES] * 3
    club.lapsed.add("alice")
    club.signed_out.add("bilal")
    assert (lapsed.sees(), closed_to.sees()) == (NO_NAMES, "")
    club.meetings["supper"] = "3 seats taken"
    place.tell(place.live.changed, "supper")
    assert other.sees() == "3 seats taken (Europe/Berlin)"


def test_whatever_the_ticket_says_the_database_is_asked_within_a_minute():
    assert max(ASK_AGAIN_SECONDS) + 2 < 60


def test_a_reader_who_left_while_the_database_was_asked_stays_away():
    ticket, fragments = Ticket("supper", Audience("Europe/Berlin", True), "alice", 0), CachedFragments()
    gone = OpenStream(lambda _message: None, ticket)
    fragments.join(gone)
    fragments.leave(gone)
    fragments.move(gone, ticket.without_names())
    assert fragments.clients() == []


# --- what the database says of a reader ------------------------------------------------------------------------------


def sign_ins_of(superuser, person):
    return [row[0] for row in superuser.execute("select id from sign_ins where user_id = %s", [person.id])]


def test_whose_access_is_cut_short_is_announced_and_nobody_else(sign_in, superuser, connect, alice, bob, charlie, now):
    for person in (alice, bob, charlie):
        sign_in(person)
    ear = connect("portal_worker", autocommit=True)
    ear.execute("listen sign_ins")
    sign_in(alice).submit(f"/family/people/{bob.id}/remove")
    given(superuser, charlie, now + timedelta(days=400), now)
    assert [heard.payload for heard in ear.notifies(timeout=0.3)] == [str(one) for one in sign_ins_of(superuser, bob)]


@pytest.mark.parametrize(("days", "watches"), [(89, True), (91, False)])
def test_a_sign_in_watches_ninety_days_at_most(sign_in, superuser, charlie, supper, now, days, watches):
    sign_in(charlie)
    later = now + timedelta(days=days)
    superuser.execute("update sign_ins set seen_at = %s", [later])
    query = "select may_watch(%s, %s, false)"
    with clock.at(later):
        assert superuser.execute(query, [*sign_ins_of(superuser, charlie), supper.id]).fetchone() == (watches,)


@pytest.mark.parametrize("names", [True, False])
def test_names_are_watched_with_access_only(sign_in, superuser, charlie, supper, now, names):
    sign_in(charlie)
    (sign_in_id,), query = sign_ins_of(superuser, charlie), "select may_watch(%s, %s, %s)"
    assert superuser.execute(query, [sign_in_id, supper.id, names]).fetchone() == (True,)
    superuser.execute("update users set access_until = %s where id = %s", [now, charlie.id])
    assert superuser.execute(query, [sign_in_id, supper.id, names]).fetchone() == (not names,)


def test_a_sign_in_that_waits_for_its_code_watches_nothing(sign_in, superuser, charlie, supper, now):
    sign_in(charlie)
    superuser.execute("update sign_ins set waits = true")
    query = "select may_watch(%s, %s, false)"
    assert superuser.execute(query, [*sign_ins_of(superuser, charlie), supper.id]).fetchone() == (False,)
