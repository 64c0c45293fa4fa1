"""The address in an optional mail that switches its kind off: by POST, without a sign-in, and as often as one likes."""

import pytest

from portal import create_app
from portal.mail import unsubscribe_url
from portal.mail.kinds import CATEGORIES
from tests.support.web import settings_for

ONE_CLICK = "List-Unsubscribe=One-Click"
BODIES = {
    "urlencoded": ("application/x-www-form-urlencoded", ONE_CLICK.encode()),
    "multipart": (
        "multipart/form-data; boundary=x",
        b'--x\r\nContent-Disposition: form-data; name="List-Unsubscribe"\r\n\r\nOne-Click\r\n--x--\r\n',
    ),
    "the button": ("application/x-www-form-urlencoded", b""),
}
OPTIONAL = [name for name, category in CATEGORIES.items() if category.optional]


@pytest.fixture
def address(app, alice):
    """`address("digest")`: the path in a mail to Alice."""

    def of(category="announcement"):
        with app.app_context():
            return unsubscribe_url(alice.id, category).removeprefix("https://localhost")

    return of


def chosen(superuser):
    """Each row of choices: what is off, and the three that have a column of their own."""
    return superuser.execute("select switched_off, digest, reminders, calendar_mails from mail_preferences").fetchall()


@pytest.mark.parametrize("body", BODIES)
def test_a_mailbox_provider_switches_a_kind_off(body, client, address, superuser):
    kind, data = BODIES[body]
    for _again in range(2):
        answer = client.post(address(), data=data, content_type=kind)
        assert (
            answer.status_code == 200
            and "You get no more of these mails" in answer.text
            and "Location" not in answer.headers
        )
    assert chosen(superuser) == [(["announcement"], "daily", [60], True)]


@pytest.mark.parametrize("category", OPTIONAL)
def test_the_page_of_choices_shows_what_was_switched_off(category, client, sign_in, alice, address, app):
    client.post(address(category))
    page = sign_in(alice).get("/account/mails").text
    assert (page.count(" checked"), 'selected value="never"' in page) == (
        (4, True) if category == "digest" else (3, False)
    )


def test_what_was_chosen_before_stays(client, sign_in, alice, address, superuser):
    sign_in(alice).submit(
        "/account/mails", digest="weekly", reminders="1440", calendar_mails="y", wanted="announcement"
    )
    for category in ("announcement", "reminder", "confirmation", "announcement"):
        client.post(address(category))
    assert chosen(superuser) == [(["afterwards", "announcement"], "weekly", [], False)]


def test_opening_the_address_switches_nothing_off(client, address, superuser):
    page = client.get(address())
    assert page.status_code == 200 and "Get no more of these mails?" in page.text
    assert client.head(address()).status_code == 200 and chosen(superuser) == []


def test_whoever_is_signed_in_switches_off_for_whom_the_mail_was(sign_in, bob, alice, address, superuser):
    sign_in(bob).post(address())
    assert superuser.execute("select user_id from mail_preferences").fetchall() == [(alice.id,)]


@pytest.mark.parametrize("change", [lambda path: path[:-1], lambda path: path[:-3] + "abc", lambda path: path + "A"])
def test_an_address_somebody_made_up_opens_nothing(change, client, address, superuser):
    for method in ("GET", "POST"):
        assert client.open(change(address()), method=method).status_code == 404
    assert chosen(superuser) == []


def test_an_address_signed_with_an_older_key_still_works(migrated, app, alice, client, superuser):
    older = create_app(settings_for(migrated, secret_key="an older secret, as long as a real one would be"))
    with older.app_context():
        path = unsubscribe_url(alice.id, "announcement").removeprefix("https://localhost")
    assert client.post(path).status_code == 404
    newer = create_app(
        settings_for(migrated, secret_key_fallbacks=("an older secret, as long as a real one would be",))
    )
    assert newer.test_client().post(path).status_code == 200
    assert len(chosen(superuser)) == 1


def test_an_account_that_is_closed_has_no_choices(client, address, alice, superuser):
    path = address()
    superuser.execute("update users set closed_at = now(), is_active = false where id = %s", [alice.id])
    assert client.post(path).status_code == 200 and chosen(superuser) == []
