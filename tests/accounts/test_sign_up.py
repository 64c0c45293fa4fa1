"""From a stranger's form to an account, by link or by code."""

import re
from datetime import timedelta

import pytest

from portal import clock
from tests.accounts.conftest import PASSWORD, enters, main, wrong_code

NEW = {"first_name": "Nadia", "last_name": "Karim", "email": "Nadia@Karim.example", "timezone": "Africa/Cairo"}


def chooses(browser, link, password=PASSWORD):
    """The password is chosen where the mail led."""
    return browser.submit(link, password=password)


def opens(browser, code, email=NEW["email"]):
    """Where the typed code leads."""
    return browser.submit("/verify", email=email, code=code).location


def signed_in(browser):
    return browser.get("/account").status_code == 200


# --- signing up ------------------------------------------------------------------------------------------------------


def test_a_newcomer_chooses_a_password_where_the_link_leads_and_is_in(client, another, work, mails):
    assert client.submit("/sign-up", **NEW).location == "/verify"
    work()
    link = re.search(r"/verify/\S+", mails("Nadia@Karim.example")[0]["text"]).group()
    assert "Nadia@karim.example" in client.get(link).text
    assert chooses(client, link).location == "/meetings"
    assert "Cairo" in client.get("/meetings").text
    assert enters(another(), "nadia@karim.EXAMPLE")


def test_who_came_from_a_plan_is_led_back_to_it(client, outbox):
    client.get("/sign-up?plan=family-yearly")
    client.submit("/sign-up", **NEW)
    assert chooses(client, outbox(NEW["email"])[0].link).location == "/plans?plan=family-yearly"


def test_a_sign_up_makes_no_password_whoever_sends_one(client, another, outbox):
    """An account made in advance: the stranger's password would open what the owner of the mailbox confirms."""
    client.submit("/sign-up", **NEW, password="the stranger waits here")
    assert not enters(client, NEW["email"], "the stranger waits here")
    owner = another()
    chooses(owner, outbox(NEW["email"])[0].link)
    assert not enters(client, NEW["email"], "the stranger waits here") and signed_in(owner)


def test_the_first_days_are_on_the_club(client, outbox, superuser, now):
    client.submit("/sign-up", **NEW)
    chooses(client, outbox(NEW["email"])[0].link)
    (until,) = superuser.execute(
        "select access_until from users where email_key = %s", [NEW["email"].lower()]
    ).fetchone()
    assert timedelta(days=7) <= until - now < timedelta(days=7, minutes=1)


def test_a_known_address_gets_another_mail_and_the_same_page(client, another, alice, outbox):
    other = another()
    new, known = client.submit("/sign-up", **NEW), other.submit("/sign-up", **{**NEW, "email": alice.email})
    assert (new.status_code, new.location) == (known.status_code, known.location)
    pages = [
        main(browser.get("/verify")).replace(email, "")
        for browser, email in ((client, "Nadia@karim.example"), (other, alice.email))
    ]
    assert pages[0] == pages[1]
    assert [mail.kind for mail in outbox(alice.email)] == ["known"] and "nothing was changed" in outbox(alice.email)[
        0
    ].text


def test_signing_up_with_a_known_address_changes_nobody(client, alice, superuser):
    row = "select first_name, last_name, timezone, updated_at from users where id = %s"
    before = superuser.execute(row, [alice.id]).fetchone()
    client.submit("/sign-up", **{**NEW, "email": alice.email.upper()})
    assert superuser.execute(row, [alice.id]).fetchone() == before
    assert superuser.execute("select count(*) from one_time_tokens").fetchone() == (0,)


def test_signing_up_again_before_confirming_is_one_person(client, another, outbox, superuser):
    client.submit("/sign-up", **NEW)
    another().submit("/sign-up", **{**NEW, "email": "NADIA@karim.example", "first_name": "Nad"})
    assert superuser.execute("select count(*) from users").fetchone() == (1,)
    assert len(outbox(NEW["email"])) == 2
    chooses(client, outbox(NEW["email"])[0].link)
    assert superuser.execute("select first_name from users").fetchone() == ("Nad",)


def test_the_strangers_sign_up_with_my_address_dies_when_i_confirm(client, another, outbox, superuser):
    stranger = another()
    stranger.submit("/sign-up", **{**NEW, "first_name": "Mallory"})
    client.submit("/sign-up", **NEW)
    mine, strangers = outbox(NEW["email"])
    chooses(client, mine.link)
    assert chooses(stranger, strangers.link, "the stranger waits here").status_code == 410
    assert opens(stranger, strangers.code) is None and not enters(stranger, NEW["email"], "the stranger waits here")
    assert superuser.execute("select first_name from users").fetchone() == ("Nadia",)


def test_nothing_of_a_sign_up_is_true_before_it_is_confirmed(client, superuser):
    client.submit("/sign-up", **NEW)
    row = superuser.execute("select first_name, last_name, timezone, email_verified from users").fetchone()
    assert row == (None, None, "UTC", False) and superuser.execute("select from credentials").fetchone() is None


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("first_name", "", "Enter the name others may call you."),
        ("first_name", "\u200b\u200b", "Enter the name others may call you."),
        ("first_name", "Na\r\nBcc: all@club.example", "invisible character"),
        ("last_name", "K" * 81, "at most 80 characters"),
        ("email", "nadia", "with an @"),
        ("email", "nadia@karim.example\nBcc: x@y.example", "invisible character"),
        ("email", "a" * 250 + "@karim.example", "254"),
        ("timezone", "Mars/Olympus", "Choose a time zone from the list"),
        ("timezone", "../../etc/passwd", "Choose a time zone from the list"),
    ],
)
def test_what_is_wrong_is_said_and_what_was_typed_is_kept(field, value, sentence, client, superuser):
    answer = client.submit("/sign-up", **{**NEW, field: value})
    assert answer.status_code == 422 and sentence.lower() in answer.text.lower()
    assert ('value="Karim"' in answer.text) == (field != "last_name")
    assert superuser.execute("select count(*) from users").fetchone() == (0,)


def test_too_many_sign_ups_from_one_place_wait(client, superuser):
    client.submit("/sign-up", **NEW)
    superuser.execute("update rate_limits set hits = 20 where key like 'sign-up:%'")
    answer = client.submit("/sign-up", **{**NEW, "email": "other@karim.example"})
    assert answer.status_code == 429 and 3500 < int(answer.headers["Retry-After"]) <= 3600
    assert superuser.execute("select count(*) from users").fetchone() == (1,)


def test_an_address_is_not_flooded_with_mail_from_many_places(client, superuser, outbox):
    for _ in range(7):
        client.submit("/sign-up", **NEW)
        superuser.execute("delete from rate_limits where key like 'sign-up:%'")
    assert len(outbox(NEW["email"])) == 5


# --- confirming ------------------------------------------------------------------------------------------------------


def confirmed(superuser):
    return superuser.execute(
        "select email_verified from users where email_key = %s", [NEW["email"].lower()]
    ).fetchone()[0]


def kept(browser):
    """What the browser keeps of its sign-up."""
    with browser.session_transaction() as session:
        return session["sign_up"]


@pytest.fixture
def mail(client, outbox, people):
    """The mail of Nadia's sign-up."""
    client.submit("/sign-up", **NEW)
    return outbox(NEW["email"])[0]


def test_the_typed_code_leads_to_where_the_link_does(client, mail, superuser):
    place = opens(client, f" {mail.code[:3]} {mail.code[3:]} ", NEW["email"].upper())
    assert place.startswith("/verify/") and place != mail.link and not confirmed(superuser)
    assert chooses(client, place).location == "/meetings"
    assert "Your address is confirmed" in client.get("/meetings").text and signed_in(client)


@pytest.mark.parametrize("bad", ["short", "", "passwordpassword", "nadia karim 1", "x" * 257])
def test_a_bad_password_leaves_the_link_alive(bad, client, mail, superuser):
    answer = chooses(client, mail.link, bad)
    assert answer.status_code == 422 and mail.link in answer.text and not confirmed(superuser)
    assert chooses(client, mail.link).location == "/meetings"


def test_looking_at_a_link_confirms_nothing(client, mail, superuser):
    for _ in range(2):
        assert client.get(mail.link).status_code == client.head(mail.link).status_code == 200
    assert not confirmed(superuser)
    chooses(client, mail.link)
    assert confirmed(superuser)


def test_a_link_works_once(client, another, mail):
    chooses(client, mail.link)
    again = another()
    assert again.get(mail.link).status_code == 410
    assert "does not work any more" in chooses(again, mail.link, "the stranger waits here").text and not signed_in(
        again
    )


def test_a_code_leads_on_once(client, mail):
    assert opens(client, mail.code) and opens(client, mail.code) is None


def test_a_code_leads_nowhere_after_the_link(client, mail):
    chooses(client, mail.link)
    answer = client.submit("/verify", email=NEW["email"], code=mail.code)
    assert answer.status_code == 422 and "does not fit" in answer.text


def test_five_wrong_codes_and_the_right_one_is_dead(client, mail, superuser):
    for _ in range(5):
        assert client.submit("/verify", email=NEW["email"], code=wrong_code(mail.code)).status_code == 422
    assert client.submit("/verify", email=NEW["email"], code=mail.code).status_code == 422
    assert not confirmed(superuser)
    chooses(client, mail.link)  # the link was not guessed at
    assert confirmed(superuser)


def test_four_wrong_codes_are_forgiven(client, mail, superuser):
    for _ in range(4):
        client.submit("/verify", email=NEW["email"], code=wrong_code(mail.code))
    chooses(client, opens(client, mail.code))
    assert confirmed(superuser)


def test_a_code_fits_only_its_own_address(client, mail, outbox, superuser):
    client.submit("/sign-up", **{**NEW, "email": "omar@karim.example"})
    assert opens(client, mail.code, "omar@karim.example") is None
    assert superuser.execute("select count(*) from users where email_verified and email like '%karim%'").fetchone() == (
        0,
    )


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "١٢٣٤٥٦", "12 34 5x", "000000\n"])
def test_what_is_not_six_digits_is_told_so(code, client, mail):
    answer = client.submit("/verify", email=NEW["email"], code=code)
    assert answer.status_code == 422


def test_link_and_code_are_over_after_a_day(client, mail, now, superuser):
    with clock.at(now + timedelta(hours=23)):
        assert client.get(mail.link).status_code == 200
    with clock.at(now + timedelta(hours=24, minutes=1)):
        assert chooses(client, mail.link).status_code == 410 and opens(client, mail.code) is None
    assert not confirmed(superuser)


def test_another_mail_replaces_the_one_before(client, mail, outbox, superuser):
    assert client.submit("/verify/again").location == "/verify"
    newer = outbox(NEW["email"])[0]
    assert chooses(client, mail.link).status_code == 410 and opens(client, mail.code) is None
    chooses(client, opens(client, newer.code))
    assert confirmed(superuser)


def test_another_mail_can_be_asked_for_again_and_again(client, mail, outbox):
    for _ in range(5):
        client.submit("/verify/again")
    assert len(outbox(NEW["email"])) == 6
    assert client.submit("/verify/again").status_code == 429


def test_the_cookie_tells_nobody_which_addresses_have_an_account(client, alice, outbox):
    """It is signed, not secret."""
    changed = []
    for email in (NEW["email"], alice.email):
        client.submit("/sign-up", **NEW | {"email": email})
        before = kept(client)
        client.submit("/verify/again")
        changed.append(kept(client)[0] == before[0] and kept(client)[1] != before[1])
    assert changed == [True, True]


def test_one_browser_in_many_networks_does_not_flood_an_address(client, mail, outbox):
    for number in range(8):
        client.environ_base["REMOTE_ADDR"] = f"203.0.113.{number}"
        client.submit("/verify/again")
    assert len(outbox(NEW["email"])) == 6


def test_nobody_mails_an_address_all_day_by_asking_again(client, mail, outbox, superuser):
    """Each mail is another code to guess at, and a letter to a stranger."""
    for _ in range(25):
        client.submit("/verify/again")
        superuser.execute("delete from rate_limits where key ~ '^verify-again'")  # as the next hour would
    assert len(outbox(NEW["email"])) == 20


def test_who_was_suspended_before_confirming_is_not_told_to_be_signed_in(client, mail, superuser):
    superuser.execute("update users set is_active = false where not email_verified")
    assert chooses(client, mail.link).location == "/sign-in"
    assert "you are signed in" not in client.get("/sign-in").text


def test_no_word_of_who_signed_up_stands_in_the_mail(client, outbox):
    """The address may be somebody else's."""
    client.submit("/sign-up", **NEW | {"first_name": "You won"})
    assert "You won" not in str(outbox(NEW["email"])[0])


def test_another_mail_goes_only_to_a_sign_up_of_this_browser(client, another, mail, outbox):
    assert another().submit("/verify/again").location == "/verify"
    assert len(outbox(NEW["email"])) == 1


def test_no_more_mail_once_the_address_is_confirmed(client, another, mail, outbox):
    chooses(another(), mail.link)
    client.submit("/verify/again")
    assert len(outbox(NEW["email"])) == 1


def test_the_place_for_the_code_is_there_only_after_a_sign_up(client, database):
    assert client.get("/verify").location == "/sign-up"


def test_only_hashes_of_links_and_codes_are_kept(mail, superuser):
    kept = str(superuser.execute("select to_jsonb(t)::text from one_time_tokens t").fetchall())
    logged = str(superuser.execute("select to_jsonb(t)::text from system_logs t").fetchall())
    token = mail.link.rpartition("/")[2]
    assert len(token) >= 43 and not [word for word in (token, mail.code) if word in kept + logged]
