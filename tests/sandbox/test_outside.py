"""The demo's outside: the mailbox that shows every mail, the room, and that a real server has neither."""

from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from portal import clock, create_app
from portal.clock import at
from tests.support.reading import link, rows, words
from tests.support.web import Browser, settings_for

MINUTE = timedelta(minutes=1)


@pytest.fixture
def mail(superuser, database):
    """`mail("ana@duarte.pt")`: a mail in the mailbox, each a minute older than the one before."""
    count = iter(range(1000))

    def put(to, subject="Hello", text="Hello.\n\nhttps://localhost/meetings\n\nGoalete"):
        mail_id, received = uuid4(), clock.now() - next(count) * MINUTE
        superuser.execute(
            "insert into sandbox_mails (id, recipient, subject, text, received_at) values (%s, %s, %s, %s, %s)",
            [mail_id, to, subject, text, received],
        )
        return mail_id

    return put


def test_every_mail_is_there_newest_first(client, mail):
    with at(datetime.now(UTC).replace(hour=12)):
        mail("ana@duarte.pt", "Newer")
        mail("bilal@rahman.uk", "Older")
        lines = rows(client.get("/sandbox/mailbox"), "tr")[1:]
    assert [line.split()[:3] for line in lines] == [
        ["Goalete:", "Newer", "ana@duarte.pt"],
        ["Goalete:", "Older", "bilal@rahman.uk"],
    ]
    assert "today at" in lines[0]


def test_an_empty_mailbox_says_so(client):
    assert "No mail yet. A mail appears here the moment it is sent." in words(client.get("/sandbox/mailbox"))


@pytest.mark.parametrize("wanted", ["ana@duarte.pt", "Ana@Duarte.pt", "  ana@duarte.pt "])
def test_the_mailbox_of_one_address(client, mail, wanted):
    mail("ana@duarte.pt", "Mine")
    mail("bilal@rahman.uk", "Not mine")
    text = words(client.get("/sandbox/mailbox", query_string={"q": wanted}))
    assert "Mine" in text and "Not mine" not in text


@pytest.mark.parametrize("wanted", ["nobody@club.example", "%", "a\x00b", "<b>"])
def test_no_mail_to_that_address_says_so(client, mail, wanted):
    mail("ana@duarte.pt")
    answer = client.get("/sandbox/mailbox", query_string={"q": wanted})
    assert answer.status_code == 200 and "No mail to that address yet." in words(answer) and "<b>" not in answer.text


def test_at_most_fifty_are_shown(client, mail):
    for n in range(52):
        mail("ana@duarte.pt", f"Mail {n}")
    assert len(rows(client.get("/sandbox/mailbox"), "tr")) == 51


def test_a_mail_is_shown_as_text_with_its_links(client, mail):
    mail_id = mail("ana@duarte.pt", "<b>Hello</b>", "Dear <i>Ana</i>,\n\nhttps://localhost/verify/abc_-1\n\nGoalete")
    answer = client.get(f"/sandbox/mailbox/{mail_id}")
    assert words(answer, "h1") == "Goalete: <b>Hello</b>"
    assert link(answer, "https://localhost/verify/abc_-1") == "https://localhost/verify/abc_-1"
    assert "<i>Ana</i>" not in answer.text and "To ana@duarte.pt" in words(answer)


def test_a_mail_that_is_not_there_is_nowhere(client):
    assert client.get(f"/sandbox/mailbox/{uuid4()}").status_code == 404


def test_the_room_is_not_for_visitors(client, supper):
    assert client.get(f"/sandbox/rooms/{supper.id}").location.startswith("/sign-in")


def test_a_real_server_has_no_mailbox_no_codes_and_no_room(migrated, database, supper):
    settings = settings_for(database, sandbox=False, mail_url="smtp://localhost", public_url="https://club.example")
    app = create_app(settings)
    app.test_client_class = Browser
    assert not [rule for rule in app.url_map.iter_rules() if "sandbox" in rule.rule]
    for path in ("/sandbox/mailbox", "/sandbox/codes", f"/sandbox/mailbox/{supper.id}", f"/sandbox/rooms/{supper.id}"):
        assert app.test_client().get(path).status_code == 404
    assert "Mailbox" not in app.test_client().get("/help").text
