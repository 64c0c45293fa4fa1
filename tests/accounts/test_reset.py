"""A new password by mail, for who lost the old one."""

from datetime import timedelta

import pytest

from portal import clock
from portal.accounts.jobs import send_reset
from tests.accounts.conftest import PASSWORD, enters, wrong_code
from tests.support.reading import do, one

NEW_PASSWORD = "eleven loud mornings"


@pytest.fixture
def member(with_password, alice):
    """Alice, who has a password."""
    return with_password(alice)


@pytest.fixture
def asks(worker_app, superuser):
    """`asks(browser, email)`: the form for a new password, and the worker's part of it."""

    def submit(browser, email):
        answer = browser.submit("/reset", email=email)
        for (address,) in superuser.execute(
            "delete from procrastinate_jobs where task_name = 'accounts.send_reset' returning args ->> 'email'"
        ).fetchall():
            do(worker_app, send_reset, email=address)
        return answer

    return submit


@pytest.fixture
def mail(asks, client, member, outbox):
    """The mail Alice asked for."""
    asks(client, member.email)
    return outbox(member.email)[0]


def by_code(browser, email, code, password=NEW_PASSWORD):
    return browser.submit("/reset/code", email=email, code=code, password=password)


def test_a_new_password_by_link(client, member, mail):
    assert client.get(mail.link).status_code == 200
    assert client.submit(mail.link, password=NEW_PASSWORD).location == "/sign-in"
    assert not enters(client, member.email) and enters(client, member.email, NEW_PASSWORD)


def test_a_new_password_by_code(client, member, mail):
    assert member.email in client.get("/reset/code").text
    assert by_code(client, member.email.upper(), mail.code).location == "/sign-in"
    assert enters(client, member.email, NEW_PASSWORD)


def test_every_sign_in_ends(client, sign_in, member, mail, charlie):
    mine, strangers = sign_in(member), sign_in(charlie)
    client.submit(mail.link, password=NEW_PASSWORD)
    assert mine.get("/account").status_code == 303 and strangers.get("/account").status_code == 200


def test_an_unknown_address_sees_the_same_and_gets_no_mail(asks, client, another, member, outbox):
    other = another()
    known, unknown = asks(client, member.email), asks(other, "nobody@club.example")
    assert (known.status_code, known.location) == (unknown.status_code, unknown.location) == (303, "/reset/code")
    pages = [client.get("/reset/code").text.replace(member.email, "nobody@club.example"), other.get("/reset/code").text]
    assert pages[0].split("<main")[1].count("<") == pages[1].split("<main")[1].count("<")
    assert outbox("nobody@club.example") == []


def test_a_deactivated_member_gets_no_mail(asks, client, member, outbox, superuser):
    superuser.execute("update users set is_active = false where id = %s", [member.id])
    asks(client, member.email)
    assert outbox(member.email) == []


def test_looking_at_a_link_changes_nothing(client, member, mail):
    assert client.get(mail.link).status_code == client.head(mail.link).status_code == 200
    assert enters(client, member.email)


def test_link_and_code_work_once(client, member, mail):
    client.submit(mail.link, password=NEW_PASSWORD)
    assert client.submit(mail.link, password="a third one for the thief").location == "/reset"
    assert by_code(client, member.email, mail.code, "a third one for the thief").status_code == 422
    assert enters(client, member.email, NEW_PASSWORD)


def test_a_newer_mail_ends_the_older_one(asks, client, member, mail, outbox):
    asks(client, member.email)
    client.submit(mail.link, password=NEW_PASSWORD)
    assert by_code(client, member.email, mail.code).status_code == 422
    assert enters(client, member.email)
    assert client.submit(outbox(member.email)[0].link, password=NEW_PASSWORD).location == "/sign-in"


def test_half_an_hour_later_it_is_over(client, member, mail, now):
    with clock.at(now + timedelta(minutes=31)):
        assert client.submit(mail.link, password=NEW_PASSWORD).location == "/reset"
        assert by_code(client, member.email, mail.code).status_code == 422
    assert enters(client, member.email)


def test_five_wrong_codes_and_the_right_one_is_dead(client, member, mail):
    for _ in range(5):
        assert by_code(client, member.email, wrong_code(mail.code)).status_code == 422
    assert by_code(client, member.email, mail.code).status_code == 422
    assert enters(client, member.email)


@pytest.mark.parametrize("bad", ["short", "", "passwordpassword", "x" * 257])
def test_a_bad_password_leaves_the_link_alive(bad, client, member, mail):
    answer = client.submit(mail.link, password=bad)
    assert answer.status_code == 422 and mail.link in answer.text
    assert by_code(client, member.email, mail.code, bad).status_code == 422
    assert client.submit(mail.link, password=NEW_PASSWORD).location == "/sign-in"


def test_a_link_for_a_password_confirms_no_address_and_the_other_way_round(client, member, mail, outbox):
    client.submit("/sign-up", first_name="N", email="n@karim.example", timezone="UTC")
    verify = outbox("n@karim.example")[0]
    client.submit(mail.link.replace("/reset/", "/verify/"))
    client.submit(verify.link.replace("/verify/", "/reset/"), password=NEW_PASSWORD)
    assert enters(client, member.email) and not enters(client, "n@karim.example", NEW_PASSWORD)


def test_a_new_password_by_mail_opens_a_door_that_guesses_closed(client, another, member, mail):
    for _ in range(6):
        another().submit("/sign-in", email=member.email, password="a guess of somebody")
    assert not enters(client, member.email)
    by_code(client, member.email, mail.code)
    assert enters(client, member.email, NEW_PASSWORD)


def test_ones_own_link_clears_nobody_elses_tries(asks, client, another, member, mail, charlie, with_password):
    with_password(charlie)
    for _ in range(5):
        client.submit("/sign-in", email=charlie.email, password="a guess of somebody")
    asks(client, charlie.email)
    client.submit(mail.link, password=NEW_PASSWORD)
    assert client.submit("/sign-in", email=charlie.email, password="one more guess").status_code == 429


def test_who_asks_from_elsewhere_is_not_kept_out_by_a_flood_of_others(asks, client, another, member, outbox):
    for _ in range(7):
        asks(client, member.email)
    owner = another()
    owner.environ_base["REMOTE_ADDR"] = "203.0.113.9"
    asks(owner, member.email)
    assert len(outbox(member.email)) == 6


def test_an_address_is_not_flooded_and_nothing_shows_it(asks, client, superuser, member, outbox):
    answers = set()
    for _ in range(7):
        answers.add(asks(client, member.email).status_code)
        superuser.execute("delete from rate_limits where key like 'reset:%'")
    assert answers == {303} and len(outbox(member.email)) == 5


def test_who_asks_too_often_from_one_place_waits(asks, client, superuser, database):
    asks(client, "a@club.example")
    superuser.execute("update rate_limits set hits = 20 where key like 'reset:%'")
    assert asks(client, "b@club.example").status_code == 429


def test_mistakes_are_told(client, database):
    assert client.submit("/reset", email="nobody").status_code == 422
    assert client.get("/reset/code").location == "/reset"
    assert client.submit("/reset/not-a-link", password=NEW_PASSWORD).location == "/reset"


def test_a_password_changed_meanwhile_ends_the_mail(client, sign_in, member, mail):
    sign_in(member).submit("/account/password", old_password=PASSWORD, password=NEW_PASSWORD)
    assert client.submit(mail.link, password="a third one for the thief").location == "/reset"
    assert by_code(client, member.email, mail.code, "a third one for the thief").status_code == 422
    assert enters(client, member.email, NEW_PASSWORD)


def test_the_queue_keeps_no_address(client, superuser, database):
    client.submit("/reset", email="stranger@elsewhere.example")
    kept = one(superuser, "select args::text from procrastinate_jobs where task_name = 'accounts.send_reset'")
    assert "stranger" not in kept and "elsewhere" not in kept


def test_a_sign_up_nobody_confirmed_has_no_password_to_reset(asks, client, outbox, database):
    """Its name is a stranger's, perhaps, and would stand in the first line."""
    client.submit("/sign-up", first_name="You won", email="n@karim.example", timezone="UTC")
    asks(client, "n@karim.example")
    assert [mail.kind for mail in outbox("n@karim.example")] == ["verify"]
