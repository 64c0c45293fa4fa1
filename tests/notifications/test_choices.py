"""A person chooses which mails come, how often, and when not."""

import re

import pytest

from tests.accounts.conftest import PASSWORD
from tests.support.reading import said_at, words

CHOSEN = {
    "digest": "weekly",
    "reminders": ["1440"],
    "wanted": ["announcement"],
    "calendar_mails": "y",
    "quiet_from": "22:00",
    "quiet_until": "07:30",
}


def kept(superuser):
    """The one row of choices."""
    (row,) = superuser.execute(
        "select switched_off, reminders, digest, calendar_mails, quiet_from::text, quiet_until::text from mail_preferences"
    ).fetchall()
    return row


def test_who_has_chosen_nothing_sees_the_defaults(sign_in, alice):
    page = sign_in(alice).get("/account/mails")
    assert "Every day" in page.text and page.text.count(" checked") == 4
    assert "what you have not answered, at 09:00 in Istanbul." in words(page)


def test_the_page_says_at_which_hour_one_reads_what_is_on(sign_in, alice, superuser):
    superuser.execute("update users set preferred_meeting_time = '19:30'")
    assert "what you have not answered, at 19:30 in Istanbul." in words(sign_in(alice).get("/account/mails"))


def test_every_category_says_who_gets_it(sign_in, alice):
    page = words(sign_in(alice).get("/account/mails"))
    for sentence in (
        "Changes Whoever has a place, waits for one or was invited by name.",
        "Your account Whoever owns the account.",
    ):
        assert sentence in page


def test_what_is_chosen_is_kept_and_shown(sign_in, alice, superuser):
    browser = sign_in(alice)
    assert browser.submit("/account/mails", **CHOSEN).status_code == 303
    assert kept(superuser) == (["afterwards"], [1440], "weekly", True, "22:00:00", "07:30:00")
    page = browser.get("/account/mails").text
    assert 'selected value="weekly"' in page and 'value="22:00"' in page and page.count(" checked") == 3


def test_everything_may_be_switched_off_but_what_would_be_missed(sign_in, alice, superuser):
    sign_in(alice).submit("/account/mails", digest="never")
    assert kept(superuser) == (["afterwards", "announcement"], [], "never", False, None, None)


@pytest.mark.parametrize(
    ("typed", "field", "sentence"),
    [
        ({"quiet_until": ""}, "quiet_until", "Enter both hours, or leave both empty."),
        ({"quiet_from": ""}, "quiet_from", "Enter both hours, or leave both empty."),
        ({"quiet_until": "22:00"}, "quiet_until", "Enter another hour than the one they begin at."),
        ({"quiet_from": "late"}, "quiet_from", "Enter an hour, like 22:00, or leave both empty."),
    ],
)
def test_hours_that_cannot_be_are_told_at_their_field(typed, field, sentence, sign_in, alice, superuser):
    answer = sign_in(alice).submit("/account/mails", **{**CHOSEN, **typed})
    assert answer.status_code == 422 and said_at(answer, field) == sentence and 'selected value="weekly"' in answer.text
    assert superuser.execute("select * from mail_preferences").fetchall() == []


def test_what_is_no_choice_is_refused(sign_in, alice, superuser):
    for forged in ({"wanted": ["security"]}, {"reminders": ["5"]}, {"digest": "hourly"}):
        assert sign_in(alice).submit("/account/mails", **{**CHOSEN, **forged}).status_code == 422
    assert superuser.execute("select * from mail_preferences").fetchall() == []


def test_the_copy_of_ones_own_data_has_the_choices(sign_in, alice):
    browser = sign_in(alice)
    browser.submit("/account/mails", **CHOSEN)
    assert browser.get("/account/data.json").json["mail_choices"][0]["digest"] == "weekly"


# --- an address that sends mails back -------------------------------------------------------------------------------------

GONE = "We cannot reach you at alice@club.example"


@pytest.fixture
def came_back(superuser):
    """`came_back(address)`: the mail server there said never again."""

    def note(address):
        superuser.execute(
            "insert into unreachable_addresses (address_key, hard, reason, first_at, last_at) values (%s, true, '550', now(), now())",
            [address],
        )

    return note


@pytest.mark.parametrize("path", ["/account", "/account/mails"])
def test_who_cannot_be_reached_reads_so_and_nobody_else(path, sign_in, alice, bob, came_back):
    came_back(alice.email)
    assert GONE in words(sign_in(alice).get(path)) and "We cannot reach" not in sign_in(bob).get(path).text


def test_confirming_the_address_once_more_lifts_it(sign_in, alice, came_back, with_password, outbox, superuser):
    came_back(alice.email)
    browser = sign_in(with_password(alice))
    browser.submit("/account/address", email=alice.email, password=PASSWORD)
    browser.submit("/account/address/code", code=outbox(alice.email)[0].code)
    page = browser.get("/account")
    assert "Your address is confirmed." in page.text and GONE not in words(page)
    assert superuser.execute("select * from former_addresses").fetchall() == [] and len(outbox(alice.email)) == 1


def test_another_address_lifts_it_too(sign_in, alice, came_back, with_password, outbox, superuser):
    came_back(alice.email)
    came_back("new@club.example")
    browser = sign_in(with_password(alice))
    browser.submit("/account/address", email="new@club.example", password=PASSWORD)
    browser.submit("/account/address/code", code=outbox("new@club.example")[0].code)
    assert superuser.execute("select * from unreachable_addresses").fetchall() == []


def test_a_new_password_by_mail_shows_that_mail_is_read(client, alice, came_back, work, mails, superuser):
    came_back(alice.email)
    client.submit("/reset", email=alice.email)
    work()
    link = re.search(r"/reset/\S+", mails(alice.email)[0]["text"])[0]
    assert client.submit(link, password="eleven loud mornings").status_code == 303
    assert superuser.execute("select * from unreachable_addresses").fetchall() == []


def test_closing_the_account_forgets_choices_and_address(sign_in, bob, came_back, with_password, superuser):
    browser = sign_in(with_password(bob))
    came_back(bob.email)
    browser.submit("/account/mails", **CHOSEN)
    assert browser.submit("/account/close", password=PASSWORD).status_code == 303
    assert superuser.execute("select * from mail_preferences").fetchall() == []
    assert superuser.execute("select * from unreachable_addresses").fetchall() == []
