"""What platforms saw is taken in: whoever it was, in whichever order it comes, and however often."""

from collections import defaultdict
from datetime import timedelta
from decimal import ROUND_HALF_UP, Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from portal import clock
from portal.attendance import jobs, sightings
from portal.database.identity import WORKER
from portal.database.transactions import transaction
from portal.rooms.platform import Participant, Sighting
from tests.support.presence import has_room, moment
from tests.support.reading import do, one, plan

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def tonight(superuser, people):
    """Two days from now, with a room at Zoom in which Alice, Bob and Charlie have addresses of their own."""
    meeting = plan(superuser, "Tonight", days=2)
    has_room(superuser, meeting)
    for name in ("Alice", "Bob", "Charlie"):
        superuser.execute(
            "insert into room_registrants (meeting_id, user_id, registrant_id, address)"
            " select %s, id, %s, 'sealed' from users where first_name = %s",
            [meeting.id, name.lower(), name],
        )
    return meeting


@pytest.fixture
def take_in(worker_app):
    """`take_in(tonight, *sightings, source="report", at=…)`: as the worker does."""

    def act(meeting, *seen, source="event", at=None):
        with clock.at(at or moment(meeting, 30)), transaction(worker_app, WORKER) as db:
            sightings.take_in(db, meeting.id, seen, source)

    return act


def sighting(meeting, who, since, until=None, session="1", **known):
    """Somebody was seen from minute to minute; `who` is what the platform calls them."""
    joined, left = (None if minute is None else moment(meeting, minute) for minute in (since, until))
    return Sighting(Participant(who, who.capitalize(), **known), session, joined, left)


def of(postgres, person, column="join_duration", meeting=None):
    return one(
        postgres,
        f"select {column} from meeting_attendances where user_id = %s and meeting_id = coalesce(%s, meeting_id)",
        person.id,
        meeting and meeting.id,
    )


def unknown(postgres):
    return sorted(
        name for (name,) in postgres.execute("select name from participants where user_id is null").fetchall()
    )


def minutes_of(worker_app, meeting):
    do(worker_app, jobs.sweep, meeting.ends_at + 5 * HOUR)


# --- one stay --------------------------------------------------------------------------------------------------------


def test_who_came_by_their_own_address_is_inside_by_name(take_in, superuser, alice, tonight):
    take_in(tonight, sighting(tonight, "x", -2, registrant="alice"))
    assert of(superuser, alice, "joined_at") == moment(tonight, -2)
    assert one(superuser, "select name from rosters(array[%s]::uuid[])", tonight.id) == "Alice"
    take_in(tonight, sighting(tonight, "x", None, 20, registrant="alice"))
    assert (of(superuser, alice, "left_at"), of(superuser, alice)) == (moment(tonight, 20), 22)
    assert one(superuser, "select count(*) from rosters(array[%s]::uuid[])", tonight.id) == 0


def test_a_leave_before_its_join_is_kept(take_in, superuser, alice, tonight):
    take_in(tonight, sighting(tonight, "x", None, 20, registrant="alice"))
    assert (of(superuser, alice, "joined_at"), of(superuser, alice)) == (moment(tonight, 20), None)
    take_in(tonight, sighting(tonight, "x", 5, registrant="alice"))
    assert (of(superuser, alice, "joined_at"), of(superuser, alice)) == (moment(tonight, 5), 15)


def test_two_devices_and_a_drop_are_one_person(take_in, worker_app, superuser, alice, tonight):
    stays = [(0, 20, "1"), (25, 50, "2"), (10, 30, "3")]
    take_in(tonight, *(sighting(tonight, "x", since, until, name, registrant="alice") for since, until, name in stays))
    take_in(tonight, sighting(tonight, "phone", 40, 60, registrant="alice"))
    assert of(superuser, alice) == 60
    assert one(superuser, "select attendee_count from meetings") == 1


def test_who_came_and_had_not_been_asked_gets_a_row(take_in, worker_app, superuser, charlie, tonight):
    take_in(tonight, sighting(tonight, "x", 0, 60, registrant="charlie"))
    minutes_of(worker_app, tonight)
    assert (of(superuser, charlie, "answer"), of(superuser, charlie, "outcome")) == ("invited", "attended")


def test_but_not_for_a_private_meeting_which_its_row_would_show_them(take_in, superuser, charlie, tonight):
    superuser.execute("update meetings set is_private = true")
    take_in(tonight, sighting(tonight, "x", 0, 60, registrant="charlie"))
    assert one(superuser, "select count(*) from meeting_attendances") == 0


def test_a_meeting_that_is_gone_is_passed_over(take_in, superuser, tonight):
    superuser.execute("delete from meetings")
    take_in(tonight, sighting(tonight, "x", 0))
    assert one(superuser, "select count(*) from participants") == 0


# --- who it was ------------------------------------------------------------------------------------------------------


def test_an_account_seen_once_with_an_own_address_is_known_everywhere_from_then_on(
    take_in, work, superuser, alice, tonight
):
    before = plan(superuser, "Before", days=-3)
    has_room(superuser, before)
    take_in(before, sighting(before, "ipad", 0, 40, account="a-1"))
    assert unknown(superuser) == ["Ipad"]
    take_in(tonight, sighting(tonight, "x", 0, registrant="alice", account="a-1"))
    work()
    assert unknown(superuser) == []
    assert of(superuser, alice, meeting=before) == 40
    later = plan(superuser, "Later", days=3)
    has_room(superuser, later)
    take_in(later, sighting(later, "y", 0, account="a-1"))
    assert of(superuser, alice, "joined_at", later) == later.starts_at


def test_who_comes_in_as_the_host_is_whoever_hosts_and_teaches_nothing(take_in, superuser, alice, bob, tonight):
    """One licensed user of the platform serves every host of the club."""
    lunch = plan(superuser, "Lunch", days=-2)
    has_room(superuser, lunch)
    for person, meeting in ((bob, lunch), (alice, tonight)):
        superuser.execute("update meetings set host_id = %s where id = %s", [person.id, meeting.id])
        take_in(meeting, sighting(meeting, "host", 0, 30, is_host=True))
        assert of(superuser, person, "joined_at", meeting) == moment(meeting, 0)
    assert one(superuser, "select count(*) from known_accounts") == 0
    assert superuser.execute("select matched_by from participants").fetchall() == [("host",)] * 2


def test_an_account_of_another_platform_is_another_account(take_in, superuser, tonight):
    take_in(tonight, sighting(tonight, "x", 0, registrant="alice", account="a-1"))
    other = plan(superuser, "Other", days=3)
    has_room(superuser, other, "google-meet")
    take_in(other, sighting(other, "y", 0, account="a-1"))
    assert unknown(superuser) == ["Y"]


def test_a_verified_address_is_enough(take_in, superuser, bob, dora, tonight):
    superuser.execute("update users set email_verified = false where id = %s", [dora.id])
    take_in(tonight, sighting(tonight, "x", 0, email=bob.email.upper()), sighting(tonight, "y", 0, email=dora.email))
    assert of(superuser, bob, "joined_at") == tonight.starts_at and unknown(superuser) == ["Y"]
    assert one(superuser, "select count(*) from known_accounts") == 0


def test_an_own_address_outweighs_an_account_that_was_somebody_elses(take_in, superuser, alice, bob, tonight):
    superuser.execute("insert into known_accounts values ('zoom', 'family', %s, now())", [bob.id])
    take_in(tonight, sighting(tonight, "x", 0, 30, account="family"))
    assert of(superuser, bob) == 30
    take_in(tonight, sighting(tonight, "x", 0, 30, account="family", registrant="alice"))
    assert (of(superuser, alice), of(superuser, bob)) == (30, None)
    assert of(superuser, bob, "joined_at") is None


def test_strangers_are_heads_but_nobody(take_in, worker_app, superuser, tonight):
    take_in(tonight, sighting(tonight, "iPad von Tom", 0, 60), sighting(tonight, "guest", 0, 60))
    minutes_of(worker_app, tonight)
    assert one(superuser, "select count(*) from meeting_attendances") == 0
    assert one(superuser, "select attendance_record from meetings") == "provisional"


def test_who_closed_their_account_before_the_report_came_stays_nameless(take_in, superuser, alice, tonight):
    superuser.execute("update users set is_active = false, closed_at = now() where id = %s", [alice.id])
    take_in(tonight, sighting(tonight, "x", 0, 60, registrant="alice", account="a-1", email=alice.email))
    assert superuser.execute("select name, account, email from participants").fetchone() == ("", None, None)
    assert of(superuser, alice) == 60 and one(superuser, "select count(*) from known_accounts") == 0


def test_half_a_character_is_no_reason_to_lose_a_report(take_in, superuser, tonight):
    take_in(tonight, sighting(tonight, "Tom \ud83d", 0))
    assert unknown(superuser) == ["Tom ?"]


def test_names_with_a_nul_or_without_end_are_cut(take_in, superuser, tonight):
    take_in(tonight, sighting(tonight, "\x00 " + "a" * 500, 0))
    assert one(superuser, "select length(name) from participants") == 200


# --- shuffled, doubled and cut ---------------------------------------------------------------------------------------

STAYS = some.lists(
    some.tuples(some.sampled_from(["laptop", "phone", "bob"]), some.integers(-3000, 18000), some.integers(-300, 9000)),
    max_size=8,
)
OWNERS = {"laptop": "alice", "phone": "alice", "bob": "bob"}


def stream(meeting, stays):
    """What a platform tells of these stays (device, second of coming, seconds of staying): each coming, each leaving."""
    for number, (device, since, length) in enumerate(stays):
        for came, left in ((since / 60, None), (None, (since + length) / 60)):
            yield sighting(meeting, device, came, left, str(number), registrant=OWNERS[device])


def computed(meeting, told):
    """Minutes by person, second by second; None where nothing was measured."""
    stays = defaultdict(list)
    for one_of in told:
        stays[one_of.participant.registrant, one_of.participant.identity, one_of.session].append(one_of)
    first, last = meeting.starts_at - 40 * MINUTE, meeting.ends_at + 4 * HOUR
    seconds, seen = defaultdict(set), set()
    for (person, _device, _session), parts in stays.items():
        came = min((part.joined_at for part in parts if part.joined_at), default=None)
        left = max((part.left_at for part in parts if part.left_at), default=None)
        if came is None or came >= last or max(came, left or meeting.ends_at) < first:
            continue
        seen.add(person)
        until = max(came, left or meeting.ends_at)
        inside = int(max(came, first).timestamp()), int(min(until, last).timestamp())
        seconds[person].update(range(*inside))
    half_up = {person: int((Decimal(len(seconds[person])) / 60).quantize(Decimal(1), ROUND_HALF_UP)) for person in seen}
    return half_up.get("alice"), half_up.get("bob")


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(stays=STAYS, data=some.data())
def test_minutes_are_those_of_an_independent_count_however_they_are_told(
    worker_app, take_in, superuser, alice, bob, tonight, stays, data
):
    superuser.execute("delete from participants")
    superuser.execute("delete from meeting_attendances")
    whole = list(stream(tonight, stays))
    told = data.draw(some.lists(some.sampled_from(whole), max_size=30)) if whole else []
    for half in (told[: len(told) // 2], told[len(told) // 2 :]):
        take_in(tonight, *half)
    with transaction(worker_app, WORKER) as db:
        sightings.settle(db, tonight.id)
    assert (of(superuser, alice), of(superuser, bob)) == computed(tonight, told)
