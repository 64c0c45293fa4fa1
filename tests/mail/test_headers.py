"""What stands in the headers of a mail, and where its calendar object is."""

import re
from dataclasses import replace
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from urllib.parse import urlsplit

import pytest

from portal.mail import Invitation, Message, jobs
from portal.mail.kinds import CATEGORIES, KINDS
from tests.mail.conftest import HELLO

CALENDAR = "BEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nSUMMARY:Çay saati\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def sent(office, write, send, superuser):
    """`sent(kind=…)`: the mail as a recipient's program has it, and as it came over the wire."""
    server, port = office

    def take(**mail_):
        write(**mail_)
        send(f"smtp://127.0.0.1:{port}")
        raw = server.taken[-1].content
        return message_from_bytes(raw, policy=default), raw

    return take


def test_the_subject_names_the_club_once(sent):
    assert sent()[0]["Subject"] == "Goalete: Hello"
    assert sent(message=Message("Goalete is closed tonight", "H", (), ""))[0]["Subject"] == "Goalete is closed tonight"


@pytest.mark.parametrize(
    "typed",
    [
        "=?utf-8?q?Supper=0D=0ABcc:_all@club.example?=",  # RFC 2047 6.2: it may hold a line break
        "Supper avec Hélène Küche Çay — 茶 with the of of long Küche Ю Küche and a little more",
        "Some filler words here: Routeraustausch und übriggebliebene Glasfaser, and tea with everybody afterwards",
    ],
)
def test_a_subject_is_what_was_typed_in_encoded_words_that_mail_servers_take(typed, sent):
    message, raw = sent(message=Message(typed, "H", (), ""))
    written = message_from_bytes(raw)["Subject"]
    assert str(make_header(decode_header(written))) == f"Goalete: {typed}"
    assert "Bcc" not in message and not re.search(r"\?==\?|\?[qb]\?\?=", written)


def test_an_address_that_looks_like_an_encoded_word_is_not_another_one(sent):
    _, raw = sent(recipient="=?utf-8?q?alice?=@club.example")
    assert b"To: =?utf-8?q?alice?=@club.example\r\n" in raw


def test_an_answer_goes_to_a_mailbox_that_somebody_reads(sent, office, write, send):
    assert sent()[0]["Reply-To"] == "club@goalete.example"


def test_which_mailbox_may_be_set(office, write, send):
    server, port = office
    write()
    send(f"smtp://127.0.0.1:{port}", mail_reply_to="hello@goalete.example")
    assert server.messages[0]["Reply-To"] == "hello@goalete.example"


def test_what_may_be_switched_off_says_how_in_its_headers(office, write, send, alice, client, monkeypatch):
    monkeypatch.setattr(jobs, "_rechecks", {})  # a mail about no meeting would not be true any more
    server, port = office
    for kind in KINDS:
        write(kind=kind, message=replace(HELLO, subject=kind), user_id=alice.id)
    send(f"smtp://127.0.0.1:{port}")
    optional = {}
    for raw in (envelope.content for envelope in server.taken):
        message = message_from_bytes(raw, policy=default)
        kind = message["Subject"].removeprefix("Goalete: ")
        optional[kind] = message["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        if optional[kind]:
            (address,) = re.fullmatch(r"<(https://localhost/unsubscribe/\S+)>", message["List-Unsubscribe"]).groups()
            assert f"List-Unsubscribe: <{address}>\r\n".encode() in raw, "in one piece, or no program finds it"
            text = message.get_body(("plain",)).get_content()
            assert address in text and "/account/mails" in text
            assert client.get(urlsplit(address).path).status_code == 200
    assert optional == {kind: CATEGORIES[KINDS[kind]].optional for kind in KINDS}


def test_who_has_no_account_has_nothing_to_switch_off(sent):
    assert sent(kind="announcement")[0]["List-Unsubscribe"] is None


def test_everything_on_the_way_is_ascii(sent):
    _, raw = sent(
        message=Message("Çay", "Çay saati", ("Güzel bir akşam.",), ""), invitation=Invitation("REQUEST", CALENDAR)
    )
    assert raw.isascii() and max(map(len, raw.split(b"\r\n"))) <= 998


def test_a_calendar_object_is_the_last_alternative_and_a_file(sent):
    message, _ = sent(kind="confirmed", invitation=Invitation("REQUEST", CALENDAR))
    alternatives, attached = message.iter_parts()
    assert [part.get_content_type() for part in alternatives.iter_parts()] == [
        "text/plain",
        "text/html",
        "text/calendar",
    ]
    calendar = list(alternatives.iter_parts())[-1]
    assert (calendar["Content-Type"].params["method"], calendar["Content-Type"].params["charset"]) == (
        "REQUEST",
        "utf-8",
    )
    assert calendar.get_payload(decode=True).decode() == CALENDAR
    assert (attached.get_content_type(), attached.get_filename()) == ("application/ics", "invite.ics")
    assert attached.get_content().decode() == CALENDAR


def test_a_mail_without_one_has_two_alternatives(sent):
    assert [part.get_content_type() for part in sent()[0].iter_parts()] == ["text/plain", "text/html"]


def test_the_demo_shows_the_calendar_object_and_offers_the_file(write, work, kept, client):
    write(kind="confirmed", invitation=Invitation("REQUEST", CALENDAR))
    work()
    assert "SUMMARY:Çay saati" in client.get(f"/sandbox/mailbox/{kept().id}").text
    file = client.get(f"/sandbox/mailbox/{kept().id}/invite.ics")
    assert file.mimetype == "text/calendar" and file.get_data(as_text=True) == CALENDAR
