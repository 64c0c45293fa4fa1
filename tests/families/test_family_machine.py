"""A family of three seats and six people who want at it at once, each in a thread of their own.

Whatever they do and however it falls together: no statement fails, and whoever looks in between sees counts, roles and
dates that are right. What right means is asked with the promises of `portal check`.
"""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from portal.operations.check import PROMISES
from tests.conftest import BECOME
from tests.support.cast import ALICE, BOB, CHARLIE, DORA, EVE, FAMILY, Person, assemble, crowd
from tests.support.clean import Cleaner
from tests.support.waitlist import one

FAMILY_PROMISES = [text.replace(":at", "now()") for words, text in PROMISES.items() if "amily" in words]
SEATS = 3
OTHERS = (BOB, CHARLIE, DORA, EVE)


@dataclass
class Scene:
    """The family, the links that were mailed so far, and everything that went wrong."""

    database: object
    superuser: psycopg.Connection
    links: dict[Person, list[bytes]] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)

    def set(self) -> None:
        Cleaner(self.superuser).clean()
        assemble(self.superuser)
        crowd(self.superuser, 1)
        self.superuser.execute("update family_plans set max_members = %s", [SEATS])
        self.links = {person: [b"none"] for person in OTHERS}

    def play(self, parts: dict[str, list[tuple[str, Person]]]) -> None:
        """Everybody begins at once; somebody watches all the while."""
        self.set()
        together = threading.Barrier(len(parts) + 1)
        with ThreadPoolExecutor(len(parts) + 1) as threads:
            watcher = threads.submit(self.watch, together)
            playing = [threads.submit(self.act, together, who, what) for who, what in parts.items()]
            for part in playing:
                part.result()
            self.over.set()
            watcher.result()
        self.over.clear()
        self.look(self.superuser)

    def watch(self, together: threading.Barrier) -> None:
        with self.database.connect(autocommit=True) as eyes:
            together.wait()
            while not self.over.is_set():
                self.look(eyes)

    def look(self, eyes: psycopg.Connection) -> None:
        for promise in FAMILY_PROMISES:
            if broken := one(eyes, promise):
                self.wrong.append(f"{broken} times not: {promise}")
        taken = "select count(*) from family_memberships where state in ('active', 'invited') and plan_id = %s"
        if one(eyes, taken, FAMILY) > SEATS:
            self.wrong.append("more people than seats")

    def act(self, together: threading.Barrier, who: str, what: list[tuple[str, Person]]) -> None:
        people = {person.first_name: person for person in (ALICE, *OTHERS)}
        login = "portal_web" if who in people else "portal_worker"
        with self.database.connect(login) as db:
            together.wait()
            for verb, whom in what:
                me = people.get(who)
                try:
                    with db.transaction():
                        role = "portal_member" if me else "none"
                        db.execute(BECOME, {"role": role, "user_id": str(me.id) if me else ""})
                        getattr(self, verb)(db, whom, me)
                except psycopg.Error as error:
                    self.wrong.append(f"{who} {verb} {whom.first_name}: {error}")

    # --- what each may do --------------------------------------------------------------------------------------------

    def invite(self, db, whom, me):
        token = f"{whom.first_name}-{len(self.links[whom])}-{threading.get_ident()}".encode()
        if db.execute("select refusal from invite_to_family(%s, %s, %s)", [FAMILY, whom.email, token]).fetchone() == (
            None,
        ):
            self.links[whom].append(token)

    def take_back(self, db, whom, me):
        pending = one(db, "select id from family_invitations() where email = %s and state = 'invited'", whom.email)
        db.execute("select revoke_invitation(%s)", [pending])

    def remove(self, db, whom, me):
        db.execute("select remove_member(%s, %s)", [FAMILY, whom.id])

    def undo(self, db, whom, me):
        removed = one(db, "select id from family_invitations() where email = %s and state = 'removed'", whom.email)
        db.execute("select undo_removal(%s, now() - interval '1 day')", [removed])

    def propose(self, db, whom, me):
        db.execute("select propose_transfer(%s, %s)", [FAMILY, whom.id])

    def accept(self, db, whom, me):
        db.execute("select accept_invitation(%s)", [self.links[whom][-1]])

    def decline(self, db, whom, me):
        db.execute("select decline_invitation(%s)", [self.links[whom][-1]])

    def leave(self, db, whom, me):
        db.execute("select leave_family()")

    def take_over(self, db, whom, me):
        db.execute("select take_over_family(%s, %s, now())", [FAMILY, whom.id])

    def pay(self, db, whom, me):
        """The payer's paid time is another: a renewal, or money back."""
        self.order(db, "update orders set period_end = period_end + interval '1 month' where status = 'completed'")

    def refund(self, db, whom, me):
        self.order(db, "update orders set period_end = period_start + interval '1 minute' where status = 'completed'")

    def order(self, db, change):
        db.execute(change)
        db.execute("select refresh_projection((select primary_user_id from family_plans), now())")


def part(*verbs: str, size: int = 5) -> st.SearchStrategy:
    return st.lists(st.tuples(st.sampled_from(verbs), st.sampled_from(OTHERS)), min_size=1, max_size=size)


MINE = ("accept", "accept", "leave", "decline")
PARTS = st.fixed_dictionaries(
    {
        "Alice": part("invite", "invite", "take_back", "remove", "undo", "propose", "leave", size=7),
        **{person.first_name: part(*MINE) for person in OTHERS},
        "bank": part("pay", "refund", "take_over"),
    }
)


@pytest.fixture
def scene(database, superuser):
    return Scene(database, superuser)


def test_six_people_at_once_leave_counts_roles_and_dates_right(scene):
    @settings(
        max_examples=60,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(parts=PARTS)
    def plays(parts):
        scene.play(parts)
        assert scene.wrong == []

    plays()


SLOW = {"the lock is held": "", "nobody holds anything": " for no key update"}


@pytest.mark.parametrize("how", SLOW)
def test_it_is_the_lock_that_keeps_it_so(how, scene, superuser):
    """The control: the same family where everybody takes a breath before writing, with the lock and without it."""
    (source,) = superuser.execute("select pg_get_functiondef('lock_family'::regproc)").fetchone()
    loose = source.replace(SLOW[how], "") if SLOW[how] else source
    assert loose.count("return f;") == 1 and (loose != source) is bool(SLOW[how])
    superuser.execute(loose.replace("return f;", "perform pg_sleep(0.02); return f;").encode())
    rush = {
        "Alice": [("invite", CHARLIE), ("remove", BOB), ("propose", CHARLIE), ("undo", BOB)],
        "Bob": [("leave", BOB), ("accept", CHARLIE)],
        "Charlie": [("accept", CHARLIE)] * 3,
        "Dora": [("accept", CHARLIE)] * 3,
        "Eve": [("accept", CHARLIE), ("decline", CHARLIE)],
        "bank": [("refund", ALICE), ("pay", ALICE), ("take_over", CHARLIE), ("refund", ALICE)],
    }
    try:
        for _round in range(8):
            scene.play(rush)
    finally:
        superuser.execute(source.encode())
    assert (scene.wrong != []) is bool(SLOW[how]), scene.wrong[:3]


def test_of_two_who_take_the_last_seat_by_one_link_one_has_it(scene, superuser):
    for _round in range(10):
        scene.set()
        superuser.execute(
            "insert into family_memberships (plan_id, state, email, token_hash, sent_at, expires_at)"
            " values (%s, 'invited', 'x@club.example', 'x', array[now()], %s)",
            [FAMILY, datetime.now(UTC) + timedelta(days=1)],
        )
        together = threading.Barrier(2)

        def accepts(person, together=together):
            with scene.database.connect("portal_web") as db, db.transaction():
                together.wait()
                db.execute(BECOME, {"role": "portal_member", "user_id": str(person.id)})
                return one(db, "select refusal from accept_invitation('x')")

        with ThreadPoolExecutor(2) as both:
            assert sorted(both.map(accepts, [CHARLIE, EVE]), key=str) == [None, "taken"]
        assert one(superuser, "select current_members from family_plans") == SEATS
