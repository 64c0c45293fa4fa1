"""Behind the door: the list of sign-ins, the profile, the password."""

from datetime import time, timedelta

import pytest

from portal import clock
from tests.accounts.conftest import PASSWORD, enters
from tests.support.cast import plan_meeting

NEW_PASSWORD = "eleven loud mornings"


@pytest.fixture
def hers(sign_in, with_password, alice):
    """Alice's browser; she has a password."""
    return sign_in(with_password(alice))


def ended(superuser, person):
    rows = superuser.execute(
        "select ended_at is not null from sign_ins where user_id = %s order by created_at, id", [person.id]
    )
    return sorted(row[0] for row in rows)


# --- sign-ins --------------------------------------------------------------------------------------------------------


def test_every_sign_in_is_listed_with_its_device(hers, another, alice, charlie, sign_in):
    chromium = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36"
    other = another()
    other.environ_base["HTTP_USER_AGENT"], other.environ_base["REMOTE_ADDR"] = chromium, "203.0.113.9"
    enters(other, alice.email)
    sign_in(charlie)
    page = hers.get("/account").text
    assert "Chrome on GNU/Linux" in page and "203.0.113.9" in page and "Test browser" in page
    assert page.count('action="/account/sign-ins/') == 2  # the other one's, and all others


def one_of(superuser, person, but=None):
    """The id of a sign-in of hers, other than one."""
    ids = [row[0] for row in superuser.execute("select id from sign_ins where user_id = %s", [person.id])]
    return next(i for i in ids if i != but)


def test_one_sign_in_is_ended(hers, sign_in, alice, superuser):
    this = one_of(superuser, alice)
    other = sign_in(alice)
    assert hers.submit(f"/account/sign-ins/{one_of(superuser, alice, this)}/end").location == "/account#sign-ins"
    assert other.get("/account").status_code == 303
    assert hers.get("/account").status_code == 200


def test_one_that_has_ended_is_not_there_to_be_ended_again(hers, sign_in, alice, superuser):
    this = one_of(superuser, alice)
    sign_in(alice)
    path = f"/account/sign-ins/{one_of(superuser, alice, this)}/end"
    assert [hers.submit(path).status_code for _ in range(2)] == [303, 404]


def test_all_others_are_ended_and_this_one_stays(hers, sign_in, alice, charlie, superuser):
    others = [sign_in(alice), sign_in(alice)]
    strangers = sign_in(charlie)
    hers.submit("/account/sign-ins/end-others")
    assert [other.get("/account").status_code for other in others] == [303, 303]
    assert hers.get("/account").status_code == strangers.get("/account").status_code == 200


def test_somebody_elses_sign_in_cannot_be_ended(hers, sign_in, charlie, superuser):
    strangers = sign_in(charlie)
    answer = hers.submit(f"/account/sign-ins/{one_of(superuser, charlie)}/end")
    assert answer.status_code == 404 and strangers.get("/account").status_code == 200
    assert ended(superuser, charlie) == [False]


def test_a_sign_in_that_is_over_is_not_listed(hers, sign_in, alice, superuser):
    this = one_of(superuser, alice)
    sign_in(alice)
    superuser.execute(
        "update sign_ins set seen_at = now() - interval '15 days', device = 'Forgotten' where id <> %s", [this]
    )
    assert "Forgotten" not in hers.get("/account").text


def test_when_a_sign_in_was_seen_is_kept_to_five_minutes(hers, superuser, now):
    seen = "select seen_at from sign_ins"
    begun = superuser.execute(seen).fetchone()[0]
    with clock.at(now + timedelta(minutes=4)):
        hers.get("/account")
    assert superuser.execute(seen).fetchone()[0] == begun
    with clock.at(now + timedelta(minutes=6)):
        hers.get("/account")
    assert superuser.execute(seen).fetchone()[0] == now + timedelta(minutes=6)


# --- profile ---------------------------------------------------------------------------------------------------------

PROFILE = {"first_name": "Alicia", "last_name": "", "timezone": "Asia/Tokyo", "preferred_meeting_time": "19:30"}


def profile(superuser, person):
    columns = "first_name, last_name, timezone, preferred_meeting_time"
    return superuser.execute(f"select {columns} from users where id = %s", [person.id]).fetchone()


def test_the_profile_is_changed_and_times_follow(hers, alice, superuser):
    assert hers.submit("/account/profile", **PROFILE).location == "/account"
    assert profile(superuser, alice) == ("Alicia", None, "Asia/Tokyo", time(19, 30))
    page = hers.get("/account").text
    assert "Your profile is saved." in page and "in Tokyo" in page and 'value="Alicia"' in page


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("first_name", " ", "Enter the name"),
        ("last_name", "x" * 81, "at most 80"),
        ("first_name", "a\x07b", "invisible"),
        ("timezone", "Nowhere/City", "Choose a time zone"),
        ("timezone", "EST5EDT", "Choose a time zone"),
        ("timezone", "", "Choose a time zone"),
        ("preferred_meeting_time", "25:00", ""),
        ("preferred_meeting_time", "", "Enter an hour"),
    ],
)
def test_a_profile_with_a_mistake_changes_nothing_and_keeps_what_was_typed(
    field, value, sentence, hers, alice, superuser
):
    before = profile(superuser, alice)
    answer = hers.submit("/account/profile", **{**PROFILE, "last_name": "Typed", field: value})
    assert answer.status_code == 422 and sentence in answer.text
    assert ('value="Alicia"' in answer.text) == (field != "first_name")
    assert ('value="Typed"' in answer.text) == (field != "last_name")
    assert profile(superuser, alice) == before


def test_nobody_changes_somebody_elses_profile(hers, charlie, superuser):
    before = profile(superuser, charlie)
    hers.submit("/account/profile", id=str(charlie.id), user_id=str(charlie.id), **PROFILE)
    assert profile(superuser, charlie) == before


def test_the_page_says_until_when_the_door_is_open(hers, sign_in, eve, charlie, superuser):
    assert "Yes, until" in hers.get("/account").text
    assert "Not yet." in sign_in(eve).get("/account").text
    superuser.execute(
        "update access_grants set starts_at = now() - interval '9 days', ends_at = now() - interval '1 day'"
    )
    superuser.execute("select refresh_projection(%s, now())", [charlie.id])
    assert "No, since" in sign_in(charlie).get("/account").text


# --- password --------------------------------------------------------------------------------------------------------


def changes(hers, old=PASSWORD, new=NEW_PASSWORD):
    return hers.submit("/account/password", old_password=old, password=new)


def test_a_new_password_takes_the_old_ones_place(hers, another, alice):
    assert changes(hers).location == "/account"
    assert not enters(another(), alice.email) and enters(another(), alice.email, NEW_PASSWORD)


def test_a_new_password_ends_every_other_sign_in(hers, sign_in, alice, charlie):
    other, strangers = sign_in(alice), sign_in(charlie)
    changes(hers)
    assert other.get("/account").status_code == 303
    assert hers.get("/account").status_code == strangers.get("/account").status_code == 200


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("wrong old password", NEW_PASSWORD),
        ("", NEW_PASSWORD),
        (PASSWORD, "short"),
        (PASSWORD, ""),
        (PASSWORD, "passwordpassword"),
        (PASSWORD, "Alice@Club.Example"),
    ],
)
def test_without_the_old_or_with_a_bad_new_one_nothing_changes(old, new, hers, another, sign_in, alice):
    other = sign_in(alice)
    answer = changes(hers, old, new)
    assert answer.status_code == 422
    assert [typed for typed in (old, new) if typed and typed in answer.text] == []
    assert other.get("/account").status_code == 200
    assert enters(another(), alice.email)


def test_guessing_the_old_one_has_a_limit(hers, superuser):
    changes(hers, "wrong old password")
    superuser.execute("update rate_limits set hits = 10 where key like 'password:%'")
    assert changes(hers).status_code == 429


def test_it_says_how_often_one_came(hers, alice, superuser):
    assert "You have not been to a meeting yet." in hers.get("/account").text
    for number, outcome in enumerate(("attended", "attended", "no_show", None)):
        meeting = plan_meeting(superuser, f"Evening {number}")
        superuser.execute(
            "insert into meeting_attendances (meeting_id, user_id, answer) values (%s, %s, 'accepted')",
            [meeting.id, alice.id],
        )
        superuser.execute("update meeting_attendances set outcome = %s where meeting_id = %s", [outcome, meeting.id])
    assert "You came to 2 of the 3 meetings you had said yes to." in hers.get("/account").text
