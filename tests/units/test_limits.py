"""How often somebody may try: counted in the database, by person or by network."""

import pytest
from flask import Flask
from werkzeug.exceptions import TooManyRequests

from portal import limits
from portal.database import db


@pytest.fixture
def inside(app, database):
    """Inside the portal."""
    with app.app_context():
        yield


def test_so_many_tries_and_then_a_wait(inside):
    assert [limits.wait_for("door", "ana", 3, 60) for _ in range(3)] == [0, 0, 0]
    assert 55 < limits.wait_for("door", "ana", 3, 60) <= 60


def test_everybody_and_everything_is_counted_alone(inside):
    limits.wait_for("door", "ana", 1, 60)
    assert limits.wait_for("door", "ben", 1, 60) == limits.wait_for("window", "ana", 1, 60) == 0
    assert limits.wait_for("door", "ANA", 1, 60) > 0


def test_waiting_is_counted_from_the_first_try(inside, superuser):
    limits.wait_for("door", "ana", 1, 60)
    superuser.execute("update rate_limits set expires_at = clock_timestamp() + interval '3 seconds'")
    assert limits.wait_for("door", "ana", 1, 60) <= 3
    superuser.execute("update rate_limits set expires_at = clock_timestamp()")
    assert limits.wait_for("door", "ana", 1, 60) == 0


def test_a_success_gives_back_its_own_try_and_no_other(inside):
    for _guess in range(2):
        limits.wait_for("door", "ana", 3, 60)
    limits.wait_for("door", "ana", 3, 60)
    limits.give_back("door", "ana")
    db.session.commit()
    assert limits.wait_for("door", "ana", 3, 60) == 0
    assert limits.wait_for("door", "ana", 3, 60) > 0


def test_a_success_that_is_not_kept_gives_nothing_back(inside):
    limits.wait_for("door", "ana", 1, 60)
    limits.give_back("door", "ana")
    db.session.rollback()
    assert limits.wait_for("door", "ana", 1, 60) > 0


def test_who_proved_to_be_the_owner_finds_the_door_as_new(inside):
    for _guess in range(5):
        limits.wait_for("door", "ana", 1, 60)
    limits.forget("door", "ana")
    db.session.commit()
    assert limits.wait_for("door", "ana", 1, 60) == 0


def test_tries_are_counted_before_anything_is_changed(inside):
    """What was changed would be kept with the try, whatever became of the rest."""
    limits.wait_for("window", "ana", 3, 60)
    limits.forget("window", "ana")
    with pytest.raises(RuntimeError, match="comes first"):
        limits.wait_for("door", "ana", 3, 60)


def test_a_sign_in_just_seen_again_is_no_change(sign_in, alice, superuser):
    browser = sign_in(alice)
    superuser.execute("update sign_ins set seen_at = seen_at - interval '1 hour'")
    assert browser.submit("/account/password", old_password="x", password="y").status_code == 422


def test_the_database_does_not_learn_whose_tries_they_were(inside, superuser):
    limits.wait_for("door", "ana@duarte.pt", 1, 60)
    ((key,),) = superuser.execute("select key from rate_limits").fetchall()
    assert key.startswith("door:") and "ana" not in key


def test_a_try_counts_even_if_its_request_leaves_no_trace(app, superuser):
    with app.test_request_context("/"):
        for _ in range(2):
            limits.limit("door", 2, 60)
        with pytest.raises(TooManyRequests) as told:
            limits.limit("door", 2, 60)
    assert 0 < told.value.retry_after <= 60
    assert superuser.execute("select hits from rate_limits").fetchone() == (3,)


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("2001:db8:1:3::9", "2001:db8:1:3::/64"),
        ("::ffff:203.0.113.9", "203.0.113.9"),
        ("", "local"),
        ("unix:/run/x", "local"),
    ],
)
def test_a_network_is_one_household(address, network):
    with Flask(__name__).test_request_context("/", environ_base={"REMOTE_ADDR": address}):
        assert limits.network() == network
