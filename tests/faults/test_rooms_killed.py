"""Web and worker killed around a room: it is made once, entered once, and settled once."""

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from portal.rooms.sealing import seal
from portal.sandbox import zoom
from tests.conftest import TEST_DATA
from tests.faults.breakable import SHUT, WORK, Breakable, until
from tests.faults.conftest import TOKEN
from tests.support import cast
from tests.support.cast import ALICE, BOB, CHARLIE, ROOM_KEY
from tests.support.club_server import ClubServer
from tests.support.reading import answers
from tests.support.server import new_database
from tests.support.toll import ZoomGate

LINK = "https://meet.example.test/supper"
DOING = "select from procrastinate_jobs where status = 'doing' and task_name = 'attendance.sweep' for update"
NOTED = "select count(*) from system_logs where operation = %s and meeting_id = %s"


class Evening(Breakable):
    """The club, Zoom beside it, and one meeting after the other whose doors are open."""

    def __init__(self, database, club, gate):
        super().__init__(database, club)
        self.gate = gate

    def plan(self, title, **columns):
        """A meeting that begins in five minutes, to which Alice and Bob said yes; at Zoom, without a room yet."""
        begins = datetime.now(UTC) + timedelta(minutes=5)
        when = {"starts_at": begins, "scheduled_date": begins.date(), "start_time": begins.time(), "timezone": "UTC"}
        bare = {"platform": "zoom", "meeting_link": None, "provision_state": "none"}
        made = cast.plan_meeting(self.postgres, title, **{**when, **bare, **columns})
        answers(self.postgres, made.id, accepted=[ALICE, BOB])
        return made

    def at_zoom(self, meeting):
        """The rooms there are for a meeting over there."""
        rooms = self.gate.world.state["meetings"].values()
        return [each for each in rooms if each["topic"] == meeting.title and not each["_deleted"]]

    def state(self, meeting):
        return self.one("select provision_state from meetings where id = %s", meeting.id)

    def tended(self, meeting):
        """A new worker, some minutes later: what the dead one had claimed is free, and all is done."""
        self.postgres.execute("update rooms set next_try_at = now() where meeting_id = %s", [meeting.id])
        self.worker_again()
        self.job("rooms.tend")
        self.meanwhile(lambda: self.registered(meeting) == 2)

    def registered(self, meeting):
        return self.one("select count(*) from room_registrants where meeting_id = %s", meeting.id)

    def clicks(self, meeting):
        return self.one("select count(*) from presences where meeting_id = %s", meeting.id)

    def noted(self, operation, meeting):
        return self.one(NOTED, operation, meeting.id)

    def outcomes(self, meeting):
        rows = self.postgres.execute(
            "select user_id, outcome from meeting_attendances where meeting_id = %s", [meeting.id]
        )
        return dict(rows.fetchall())


@pytest.fixture(scope="module")
def evening(server_url, tmp_path_factory):
    """One club for all that is broken here."""
    folder = tmp_path_factory.mktemp("rooms")
    with new_database(server_url, TEST_DATA, "rooms") as database, database.as_demo():
        with database.connect(autocommit=True) as postgres:
            cast.assemble(postgres)
        club, gate = ClubServer(database, folder), ZoomGate(zoom.World()).start()
        club.environment |= {
            "ZOOM_URL": gate.url,
            "ZOOM_ACCOUNT_ID": zoom.ACCOUNT,
            "ZOOM_CLIENT_ID": zoom.CLIENT,
            "ZOOM_CLIENT_SECRET": zoom.SECRET,
        }
        try:
            club.open()
            with contextlib.closing(Evening(database, club, gate)) as made:
                for person in (ALICE, BOB):
                    made.faulty.sign_in(person)
                yield made
        finally:
            club.close()
            gate.stop()


@pytest.mark.parametrize(("when", "rooms"), [("before", 0), ("after", 1)])
def test_the_worker_is_killed_while_it_makes_a_room_and_in_the_end_there_is_one(evening, when, rooms):
    supper = evening.plan(f"Supper, killed {when}")
    reached = evening.gate.stop_at(when, "POST /v2/users/me/meetings", evening.club.kill_worker)
    evening.job("rooms.tend")
    evening.meanwhile(reached.is_set)
    assert (evening.state(supper), len(evening.at_zoom(supper))) == ("requested", rooms)
    evening.tended(supper)
    assert (evening.state(supper), len(evening.at_zoom(supper))) == ("ready", 1)
    assert evening.noted("room.ready", supper) == 1
    assert evening.broken() == []


def test_the_worker_is_killed_while_it_registers_people_and_everybody_has_one_address(evening):
    supper = evening.plan("Supper, registered")
    reached = evening.gate.stop_at("after", "POST /v2/meetings/*/batch_registrants", evening.club.kill_worker)
    evening.job("rooms.tend")
    evening.meanwhile(reached.is_set)
    assert evening.registered(supper) == 0
    evening.tended(supper)
    [room] = evening.at_zoom(supper)
    known = evening.postgres.execute("select registrant_id from room_registrants where meeting_id = %s", [supper.id])
    assert {key for (key,) in known} == set(room["_registrants"])


@pytest.fixture
def supper(evening):
    """A meeting with a typed link."""
    made = evening.plan(
        "Supper behind a link", platform="link", meeting_link=seal(LINK, ROOM_KEY), provision_state="ready"
    )
    evening.postgres.execute(
        "insert into rooms (meeting_id, made_by, title, starts_at, duration, ready_at)"
        " select id, 'link', title, starts_at, duration, now() - interval '1 day' from meetings where id = %s",
        [made.id],
    )
    yield made
    evening.postgres.execute("delete from meetings where id = %s", [made.id])


def test_web_is_killed_before_somebody_has_joined_and_they_join_again(evening, supper):
    with ThreadPoolExecutor(1) as hands, evening.held_up("presences", "portal_web") as standing:
        pressed = hands.submit(evening.click, ALICE, f"/meetings/{supper.id}/join")
        standing()
        evening.club.kill_web()
        assert pressed.result() is None
    evening.club.start_web()
    assert evening.clicks(supper) == 0
    assert evening.click(ALICE, f"/meetings/{supper.id}/join") == LINK
    assert (evening.clicks(supper), evening.noted("meeting.joined", supper)) == (1, 1)


def test_web_is_killed_after_somebody_has_joined_and_they_are_counted_once(evening, supper):
    with socket.create_connection(("127.0.0.1", evening.club.port)) as line:  # who never reads the answer
        head = [
            f"POST /meetings/{supper.id}/join HTTP/1.1",
            "Host: 127.0.0.1",
            f"Cookie: {evening.faulty.cookie(ALICE)}",
            f"X-CSRFToken: {TOKEN}",
            "Content-Length: 0",
        ]
        line.sendall("\r\n".join([*head, "", ""]).encode())
        until(lambda: evening.clicks(supper) == 1)
        evening.club.kill_web()
    evening.club.start_web()
    assert evening.click(ALICE, f"/meetings/{supper.id}/join") == LINK
    assert (evening.clicks(supper), evening.noted("meeting.joined", supper)) == (1, 1)


@pytest.mark.parametrize("when", ["before", "after"])
def test_the_worker_is_killed_while_it_settles_a_meeting_and_it_is_settled_once(evening, supper, when):
    answers(evening.postgres, supper.id, accepted=[CHARLIE])
    for person in (ALICE, BOB):
        evening.click(person, f"/meetings/{supper.id}/join")
    evening.postgres.execute(
        "update meetings set starts_at = starts_at - interval '2 hours' where id = %s", [supper.id]
    )
    evening.postgres.execute("update presences set joined_at = joined_at - interval '2 hours'")
    with evening.database.connect() as held:
        with evening.held_up("meeting_attendances", "portal_worker") as standing:
            evening.job("attendance.sweep")
            standing()
            if when == "after":  # all is written, and its job cannot be ticked off
                assert held.execute(DOING).fetchall() != []
            else:
                evening.club.kill_worker()
        if when == "after":
            until(lambda: set(evening.outcomes(supper).values()) == {"attended", "no_show"})
            evening.club.kill_worker()
            evening.postgres.execute(SHUT, ["portal_worker"])
        else:
            assert set(evening.outcomes(supper).values()) == {None}
    evening.worker_again()
    evening.meanwhile(lambda: not evening.one(WORK))
    assert evening.outcomes(supper) == {ALICE.id: "attended", BOB.id: "attended", CHARLIE.id: "no_show"}
    assert evening.noted("meeting.settled", supper) == 1
    assert evening.broken() == []
