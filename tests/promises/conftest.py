"""A club with one of everything, every route with real ids in it, and the three kinds of people who may ask."""

import psycopg
import pytest
from flask import Flask

from tests.promises.routes import Route, routes_of
from tests.support import world
from tests.support.cast import ALICE, CHARLIE, DORA, Person
from tests.support.waitlist import one
from tests.support.web import Browser, SignIn


@pytest.fixture
def everything(database, superuser: psycopg.Connection) -> dict[str, object]:
    """One row of everything, Alice's, with its key by table."""
    return world.create(superuser)


@pytest.fixture
def routes(app: Flask, everything: dict[str, object], superuser) -> list[Route]:
    """Every route of the portal, with the ids of things that are there."""
    invited = "insert into meeting_attendances (meeting_id, user_id) values (%s, %s)"
    superuser.execute(invited, [everything["open"], ALICE.id])
    superuser.execute("update orders set disputed_at = now(), dispute_state = 'won' where status = 'completed'")
    superuser.execute("update subscriptions set renews_at = now() + interval '9 days' where live")
    ids = {
        "meeting_id": everything["open"],
        "person_id": ALICE.id,
        "participant_id": everything["participants"],
        "recording_id": everything["recordings"],
        "day": "2099-05-05",
        "series_id": everything["meeting_series"],
        "user_id": ALICE.id,
        "mail_id": everything["sandbox_mails"],
        "outbox_id": everything["mails"],
        "announcement_id": everything["announcements"],
        "sign_in_id": everything["sign_ins"],
        "order_id": everything["orders"],
        "feed_id": everything["calendar_feeds"],
        "membership_id": everything["family_memberships"],
        "plan_id": everything["family_plans"],
        "checkout_id": everything["checkouts"],
        "number": one(superuser, "select order_number from orders where status = 'completed'"),
        "plan_key": "family",
        "cycle": "yearly",
        "change": "suspend",
        "renewal": "end",
        "token": "no-such-token",
        "accents": "174ea6-own",
        "digest": everything["club_pictures"],
        "move_id": move_of(superuser, DORA),
    }
    return routes_of(app, ids)


def move_of(superuser: psycopg.Connection, admin: Person) -> object:
    """A file of people that an admin uploaded: it is nobody else's."""
    move = "insert into moves (admin_id, step, state, format) values (%s, 'file', 'done', 'csv') returning id"
    (move_id,) = superuser.execute(move, [admin.id]).fetchone()
    superuser.execute("insert into move_parts values (%s, 'file', 0, 'email')", [move_id])
    return move_id


@pytest.fixture
def everybody(client: Browser, sign_in: SignIn, everything) -> dict[str, Browser]:
    """A visitor, a member whom everything is about, a stranger, and an admin."""
    return {"visitor": client, "alice": sign_in(ALICE), "charlie": sign_in(CHARLIE), "dora": sign_in(DORA)}
