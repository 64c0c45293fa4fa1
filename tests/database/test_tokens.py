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


def test_a_link_tried_as_one_of_another_kind_is_not_used_up(reset, as_, alice):
    with as_(None) as db:
        db.execute("select auth.redeem('verify', 'token'::bytea, 'alice@club.example', null, 'new')")
    assert reset("token") == alice.id


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


# --- what the web's own login cannot do ------------------------------------------------------------------------------


@pytest.fixture
def waiting(as_, superuser, alice):
    """A sign-in of Alice's that waits for its code."""
    superuser.execute(
        "insert into second_factors (user_id, secret, set_up_at) values (%s, 'sealed', now())", [alice.id]
    )
    with as_(None) as db:
        db.execute("select auth.open_sign_in(%s, 'half', 'Firefox', '127.0.0.1')", [alice.id])
    return "select auth.prove('half', 'whole', %s, null, null, null)"


@pytest.mark.parametrize(("away", "taken"), [(-100_000, False), (-3, False), (0, True), (3, False), (100_000, False)])
def test_a_step_that_is_not_now_proves_nothing(as_, waiting, alice, now, away, taken):
    step = int(now.timestamp()) // 30 + away
    with clock.at(now), as_(None) as db:
        assert (db.execute(waiting, [step]).fetchone()[0] == alice.id) is taken


def test_a_hash_is_replaced_only_by_who_brings_it(as_, superuser, alice):
    superuser.execute("insert into credentials values (%s, 'kept', now())", [alice.id])
    for brought, kept in (("guessed", "kept"), ("kept", "new")):
        with as_(None) as db:
            db.execute("select auth.rehash(%s, %s, 'new')", [alice.id, brought])
        assert superuser.execute("select password_hash from credentials").fetchone() == (kept,)
