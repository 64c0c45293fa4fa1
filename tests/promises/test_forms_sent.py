"""Every form needs its token, takes only its own fields, and touches only what is the sender's."""

import pytest
from itsdangerous import URLSafeTimedSerializer

from tests.promises.test_reading_changes_nothing import contents
from tests.support.cast import ALICE

FREE_OF_TOKENS = {"POST /webhooks/stripe"}
"""Routes other machines post to; each proves its sender in another way."""

EXTRA = {
    "is_admin": "true",
    "is_active": "false",
    "subscription_expiry": "2999-01-01",
    "access_until": "2999-01-01",
    "subscription_status": "active",
    "email_verified": "true",
    "id": "00000000-0000-0000-0000-000000000001",
    "user_id": "00000000-0000-0000-0000-000000000001",
    "family_role": "primary",
    "price": "0",
    "amount": "0",
    "created_at": "1999-01-01",
    "email": "other@club.example",
    "max_members": "99",
    "subscription_expiry ": "2999-01-01",
}


@pytest.mark.parametrize("who", ["visitor", "alice", "dora"])
def test_no_form_is_taken_without_its_token(who, routes, everybody, superuser):
    before = contents(superuser)
    for route in routes:
        if route.method != "GET" and str(route) not in FREE_OF_TOKENS:
            answer = everybody[who].open(route.path, method=route.method, data={"answer": "accepted"})
            if who == "visitor" and route.guard == "member":
                assert answer.status_code == 303 and "/sign-in" in answer.location, route
            else:
                assert answer.status_code == 400 and "open in another sign-in" in answer.text, route
    assert contents(superuser) == before


def test_a_token_of_another_session_is_not_taken(client, sign_in, alice):
    other = URLSafeTimedSerializer("another secret", salt="wtf-csrf-token").dumps("0" * 40)
    browser = sign_in(alice)
    for token in (other, "nonsense", ""):
        assert browser.post("/account/sign-ins/end-others", data={"csrf_token": token}).status_code == 400


def test_no_form_makes_anybody_more_than_they_are(routes, everybody, superuser):
    standing = (
        "select id, email, is_admin, is_active, email_verified, subscription_status, subscription_expiry, access_until,"
        " family_role from users order by id"
    )
    before = superuser.execute(standing).fetchall()
    for route in routes:
        if (
            route.method == "POST"
            and route.guard == "member"
            and "end" not in route.path
            and "sign-out" not in route.path
        ):
            form = {
                "first_name": "Al",
                "timezone": "UTC",
                "preferred_meeting_time": "20:00",
                "plan_name": "Us",
                **EXTRA,
            }
            assert everybody["alice"].submit(route.path, **form).status_code < 500, route
    assert superuser.execute(standing).fetchall() == before
    (profile,) = superuser.execute("select first_name from users where id = %s", [ALICE.id]).fetchone()
    assert profile == "Al"  # the fields that are the form's did arrive


def test_a_sign_up_cannot_send_more_than_its_fields(client, superuser):
    client.submit("/sign-up", **{**EXTRA, "email": "n@karim.example", "first_name": "N", "timezone": "UTC"})  # fmt: skip
    row = "select is_admin, email_verified, access_until, family_role from users where email = 'n@karim.example'"
    assert superuser.execute(row).fetchone() == (False, False, None, None)


def test_things_of_others_are_not_there(routes, everybody, everything, superuser):
    superuser.execute("update meetings set is_private = true where id = %s", [everything["open"]])
    superuser.execute("delete from meeting_attendances")
    owned = ("<uuid:meeting_id>", "<uuid:sign_in_id>", "<uuid:order_id>", "<uuid:membership_id>", "<uuid:person_id>")
    before = contents(superuser)
    asked = 0
    for route in routes:
        if route.guard == "member" and any(part in route.rule for part in owned):
            form = {"answer": "accepted"}
            charlie = everybody["charlie"]
            answer = charlie.get(route.path) if route.method == "GET" else charlie.submit(route.path, **form)
            if answer.status_code != 204:  # a heartbeat that tells nothing either way
                assert answer.status_code == 404, route
            asked += 1
    assert asked > 5 and contents(superuser) == before


def test_ids_of_nothing_look_the_same_as_ids_of_others(everybody, everything, superuser):
    superuser.execute("update meetings set is_private = true")
    superuser.execute("delete from meeting_attendances")
    theirs = everybody["charlie"].get(f"/meetings/{everything['open']}")
    nobodys = everybody["charlie"].get("/meetings/00000000-0000-0000-0000-00000000dead")
    assert theirs.status_code == nobodys.status_code == 404
    first, second = (answer.text.replace(answer.headers["X-Request-Id"], "") for answer in (theirs, nobodys))
    assert first.split("<main")[1] == second.split("<main")[1]
