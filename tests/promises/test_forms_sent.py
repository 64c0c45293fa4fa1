"""Every form needs its token, takes only its own fields, and touches only what is the sender's."""

import pytest
from itsdangerous import URLSafeTimedSerializer

from tests.promises.test_reading_changes_nothing import contents
from tests.support.cast import ALICE
from tests.support.web import SECRET

FREE_OF_TOKENS = {"POST /webhooks/stripe", "POST /webhooks/zoom", "POST /unsubscribe/<token>"}
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
            elif who != "dora" and route.guard == "admin":
                assert answer.status_code == 404, route
            else:
                assert answer.status_code == 400 and "A part of this form did not arrive" in answer.text, route
    assert contents(superuser) == before


def test_a_token_of_another_session_is_not_taken(sign_in, alice):
    browser, forged = sign_in(alice), URLSafeTimedSerializer("another secret", salt="wtf-csrf-token").dumps("0" * 40)
    browser.token()
    others = URLSafeTimedSerializer(SECRET, salt="wtf-csrf-token").dumps("1" * 40)
    for token in (forged, others, "nonsense"):
        answer = browser.post(END_OTHERS, data={"csrf_token": token})
        assert answer.status_code == 400 and "open in another sign-in" in answer.text


def test_a_form_whose_session_is_gone_says_so(app, client):
    token = client.token()
    answer = app.test_client().post("/sign-in", data={"csrf_token": token, "email": "a@b.example", "password": "x"})
    assert answer.status_code == 400 and "no longer known" in answer.text


END_OTHERS = "/account/sign-ins/end-others"
HERE, THERE = "https://localhost", "https://evil.example"
SENT = [
    # Origin first …
    ({"Origin": HERE}, ""),
    ({"Origin": HERE, "Sec-Fetch-Site": "cross-site", "Referer": f"{THERE}/"}, ""),
    ({"Origin": HERE + ":443"}, ""),
    ({"Origin": THERE, "Sec-Fetch-Site": "same-origin", "Referer": f"{HERE}/account"}, "from another site"),
    ({"Origin": "http://localhost"}, "from another site"),
    ({"Origin": "https://localhost:8000"}, "from another site"),
    ({"Origin": "https://localhost.evil.example"}, "from another site"),
    ({"Origin": "https://["}, "from another site"),
    ({"Origin": ""}, "from another site"),
    # … then what the browser says of the two sites …
    ({"Sec-Fetch-Site": "same-origin"}, ""),
    ({"Sec-Fetch-Site": "none"}, ""),
    ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, ""),
    ({"Sec-Fetch-Site": "same-site", "Referer": f"{HERE}/account"}, "from another site"),
    ({"Sec-Fetch-Site": "cross-site", "Referer": f"{HERE}/account"}, "from another site"),
    ({"Origin": "null", "Sec-Fetch-Site": "cross-site"}, "from another site"),
    # … and the page before last.
    ({"Referer": f"{HERE}/account"}, ""),
    ({"Origin": "null", "Referer": f"{HERE}/account"}, ""),
    ({"Referer": f"{THERE}/https://localhost/"}, "from another site"),
    ({"Referer": "https://["}, "from another site"),
    ({"Referer": "javascript:1"}, "from another site"),
    ({}, "did not say which page"),
    ({"Origin": "null"}, "did not say which page"),
]


@pytest.mark.parametrize(("headers", "refusal"), SENT, ids=lambda value: str(value)[:60])
def test_a_form_comes_from_a_page_of_ours(headers, refusal, sign_in, alice):
    browser = sign_in(alice)
    answer = browser.post(END_OTHERS, data={"csrf_token": browser.token()}, headers=headers, base_url=HERE)
    assert (answer.status_code, refusal in answer.text) == (400 if refusal else 303, True)


@pytest.mark.parametrize("headers", [headers for headers, refusal in SENT if not refusal], ids=str)
def test_wherever_it_comes_from_it_has_its_token(headers, sign_in, alice):
    browser = sign_in(alice)
    browser.token()
    answer = browser.post(END_OTHERS, data={"csrf_token": ""}, headers=headers, base_url=HERE)
    assert answer.status_code == 400 and "A part of this form did not arrive" in answer.text


def test_the_clubs_own_address_is_here_however_the_server_is_reached(sign_in, alice):
    """A proxy that ends TLS and does not say so."""
    browser = sign_in(alice)
    answer = browser.post(
        END_OTHERS, data={"csrf_token": browser.token()}, headers={"Origin": HERE}, base_url="http://web:8000"
    )
    assert answer.status_code == 303


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
    client.submit("/sign-up", **{**EXTRA, "email": "n@karim.example", "first_name": "N", "timezone": "UTC"})
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
