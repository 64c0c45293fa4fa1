"""A mailed link or code opens once, in time, and after few mistakes."""

from datetime import timedelta

import pytest

from portal import clock


@pytest.fixture
def reset(as_, alice, now):
    """Alice asked for a new password and got a link and a code."""
    with clock.at(now), as_("worker") as db:
        db.execute("select auth.ask_reset('alice@club.example', 'token', 'code')")

    def redeem(token=None, code=None, at=now):
        ask = "select user_id from auth.redeem('reset', %s::bytea, 'alice@club.example', %s::bytea, 'new')"
        with clock.at(at), as_(None) as db:
            found = db.execute(ask, [token, code]).fetchone()
        return found and found[0]

    return redeem


def test_a_link_opens_once(reset, alice):
    assert (reset("token"), reset("token")) == (alice.id, None)


def test_a_link_opens_in_time(reset, now):
    assert reset("token", at=now + timedelta(hours=1)) is None


def test_a_code_is_dead_after_five_wrong_ones(reset, alice):
    assert [reset(code="wrong") for _ in range(5)] == [None] * 5
    assert reset(code="code") is None


def test_a_code_works_after_four_wrong_ones(reset, alice):
    assert [reset(code="wrong") for _ in range(4)] == [None] * 4
    assert reset(code="code") == alice.id


def test_a_newer_link_kills_the_older(as_, reset, alice):
    with as_("worker") as db:
        db.execute("select auth.ask_reset('Alice@club.example', 'newer', 'c')")
    assert (reset("token"), reset("newer")) == (None, alice.id)


def test_a_new_password_ends_every_sign_in(as_, reset, alice):
    with as_(None) as db:
        db.execute("select auth.open_sign_in(%s, 'key', 'Firefox', '127.0.0.1')", [alice.id])
    reset("token")
    with as_("login") as db:
        assert db.execute("select from auth.whoami('key')").fetchone() is None
