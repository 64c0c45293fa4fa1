"""What a message is, told from its bytes alone: reports that mail servers really sent, what programs send, and garbage."""

import time
from base64 import b64encode
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from portal.calendar.replies import mail_address, parse
from portal.mail.incoming import sort
from tests.support.inbox import ADDRESS, sample

OURS = "club@club.example"
MAIL = UUID("0190c0de-0000-4000-8000-000000000000")
TOKEN = "abcdefghijklmnopqrstuvwx23"
REPORTS = sorted((Path(__file__).parent / "samples" / "flufl-bounce").glob("*.txt"))


def sorted_(raw):
    return sort(raw.encode() if isinstance(raw, str) else raw, ADDRESS, OURS)


def message(*headers, body="Hello", kind="text/plain; charset=utf-8"):
    return "\n".join(["From: Ana <ana@far.example>", *headers, "MIME-Version: 1.0", f"Content-Type: {kind}", "", body])


@pytest.mark.parametrize("path", REPORTS, ids=lambda path: path.stem)
def test_what_mail_servers_really_sent_is_a_bounce(path):
    found = sorted_(path.read_bytes())
    assert found.kind == "bounce" and len(found.bounces) == 1 and not found.may_answer


HARD = {
    "dsn_01": True,
    "dsn_02": False,  # it was tried for days
    "dsn_11": True,
    "dsn_12": True,
    "dsn_13": True,
    "dsn_15": True,
    "exim_01": True,
    "qmail_03": True,
    "simple_42": False,  # refused by a rule
}


@pytest.mark.parametrize(("name", "hard"), HARD.items())
def test_for_good_is_only_what_says_that_nobody_is_there(name, hard):
    (bounce,) = sorted_((REPORTS[0].parent / f"{name}.txt").read_bytes()).bounces
    assert (bounce.hard, bounce.delayed) == (hard, False)


@pytest.mark.parametrize("name", ["dsn_05", "dsn_17"])
def test_what_is_still_being_tried_is_late(name):
    (bounce,) = sorted_((REPORTS[0].parent / f"{name}.txt").read_bytes()).bounces
    assert (bounce.hard, bounce.delayed) == (False, True)


@pytest.mark.parametrize(
    ("status", "hard"),
    [
        ("5.1.1", True),
        ("5.1.10", True),
        ("5.2.1", True),
        ("5.4.4", True),
        ("5.2.2", False),
        ("5.1.8", False),  # the sender's address, which is ours
        ("5.7.1", False),
        ("5.3.4", False),
        ("4.1.1", False),
    ],
)
def test_a_status_code_says_whether_anybody_can_be_reached(status, hard):
    report = sample("mail/samples/ours/rfc3464-failed.eml", mail_id=MAIL, recipient="alice@club.example", status=status)
    found = sorted_(report)
    assert (found.bounces[0].hard, found.mail_ids) == (hard, {MAIL})


@pytest.mark.parametrize(
    "header",
    [
        "Auto-Submitted: auto-replied (vacation)",
        "Auto-Submitted: AUTO-GENERATED",
        "Precedence: bulk",
        "Precedence: list",
        "List-Id: <people.far.example>",
        "Return-Path: <>",
        "\n".join(["Received: from a.example by b.example"] * 31),
    ],
)
def test_what_a_program_sends_is_automatic_and_never_answered(header):
    found = sorted_(message(header))
    assert (found.kind, found.may_answer) == ("automatic", False)
    reply = sorted_(message(header, kind="text/calendar; method=REPLY", body="BEGIN:VCALENDAR\nEND:VCALENDAR"))
    assert (reply.kind, reply.may_answer) == ("reply", False)


def test_a_person_writes_letters():
    assert sorted_(message("Auto-Submitted: no", "Return-Path: <ana@far.example>")).kind == "letter"


@pytest.mark.parametrize("address", [OURS, "CLUB@club.example", ADDRESS])
def test_our_own_mail_is_not_anybody_elses(address):
    assert sorted_(message().replace("ana@far.example", address)).kind == "own"


@pytest.mark.parametrize(
    ("header", "tokens"),
    [
        (f"To: The club <inbox+{TOKEN}@club.example>", {TOKEN}),
        (f"To: INBOX+{TOKEN.upper()}@CLUB.EXAMPLE", {TOKEN}),
        (f"To: somebody@far.example\nDelivered-To: inbox+{TOKEN}@club.example", {TOKEN}),
        (f"To: inbox+{TOKEN}@club.example.evil.example", set()),
        (f"To: inbox+{TOKEN}a@club.example", set()),
        (f"Subject: inbox+{TOKEN}@club.example", set()),
        ("To: inbox@club.example", set()),
    ],
)
def test_the_address_it_was_sent_to_names_the_entry(header, tokens):
    assert sorted_(message(header, kind="text/calendar", body="BEGIN:VCALENDAR\nEND:VCALENDAR")).tokens == tokens


@pytest.mark.parametrize("kind", ["text/calendar; charset=no-such-charset", 'application/octet-stream; name="A.ICS"'])
def test_a_calendar_object_is_found_however_it_is_packed(kind):
    calendar = "BEGIN:VCALENDAR\r\nMETHOD:REPLY\r\nEND:VCALENDAR\r\n"
    packed = b64encode(calendar.encode("utf-8-sig")).decode()  # as Windows writes it, with a mark in front
    assert sorted_(message("Content-Transfer-Encoding: base64", kind=kind, body=packed)).calendar == calendar


@pytest.mark.parametrize(
    ("uri", "address"),
    [
        ("mailto:alice@club.example", "alice@club.example"),
        ("MAILTO:Alice@Club.Example", "alice@club.example"),
        ("mailto:alice%2Bclub%40home@club.example", "alice+club@home@club.example"),
        ("mailto:alice+club@club.example?subject=x", "alice+club@club.example"),
        ("alice@club.example", "alice@club.example"),
    ],
)
def test_an_address_of_a_calendar_is_one_of_mail(uri, address):
    assert mail_address(uri) == address


SEEDS = [path.read_bytes() for path in REPORTS[:6]] + [
    sample("mail/samples/ours/rfc3464-failed.eml", mail_id=MAIL, recipient="a@b.example", status="5.1.1").encode(),
    sample("calendar/samples/rfc6047-4.3-reply.eml", recipient=f"inbox+{TOKEN}@club.example").encode(),
]
CUTS = st.tuples(st.sampled_from(SEEDS), st.integers(0, 9000), st.integers(0, 400), st.binary(max_size=60))


@settings(max_examples=300, deadline=None)
@given(CUTS)
def test_damaged_messages_are_sorted_without_a_word(cut):
    """Bytes lost, put in and turned around in real messages: whatever becomes of them, no token and no mail comes to be."""
    whole, at, lost, put_in = cut
    found = sorted_(whole[:at] + put_in + whole[at + lost :])
    assert found.mail_ids <= {MAIL} and found.tokens <= {TOKEN}


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=600), st.text(max_size=600))
def test_garbage_is_nothing(raw, text):
    assert sorted_(raw).kind in ("letter", "automatic", "unreadable")
    assert getattr(parse(text), "method", "none") != "REPLY"


REPLY = sample("calendar/samples/rfc5546-3.2.3-reply.ics", uid="x", sequence=1, stamp="20261130T200000Z")
STRANGE = """DTSTAMP:20269999T000000
SEQUENCE:99999999999
SEQUENCE:-1
ATTENDEE:
DTSTAMP;VALUE=DATE:20261130
BEGIN:VTIMEZONE
RRULE:FREQ=SECONDLY
BEGIN:VALARM
METHOD:
ATTENDEE;PARTSTAT="A;B":mailto:%FF%"""
LINES = st.sampled_from([*REPLY.splitlines(), *STRANGE.splitlines()])


@settings(max_examples=300, deadline=None)
@given(st.lists(LINES, max_size=30))
def test_calendar_objects_out_of_order_are_read_or_not_and_break_nothing(lines):
    reply = parse("\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VCALENDAR", ""]))
    assert 0 <= getattr(reply, "sequence", 0) < 2**31


DEEP = b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (number, number) for number in range(2000))
ZONE = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        "METHOD:REPLY",
        "BEGIN:VTIMEZONE",
        "TZID:Evil",
        "BEGIN:STANDARD",
        "DTSTART:16010101T000000",
        "TZOFFSETFROM:+0000",
        "TZOFFSETTO:+0100",
        "RRULE:FREQ=SECONDLY",
        "END:STANDARD",
        "END:VTIMEZONE",
        "END:VCALENDAR",
        "",
    ]
)


@pytest.mark.parametrize(
    "raw",
    [
        DEEP,
        b"A: " + b"x" * 10_000_000,
        b"To: " + b"<" * 200_000,
        b"From: =?utf-8?q?" + b"=" * 200_000,
        message("To: " + ", ".join(f"a{number}@b.example" for number in range(20_000))).encode(),
        message(kind="multipart/report; report-type=delivery-status; boundary=x", body="--x\n" * 20_000).encode(),
        message(kind="text/calendar", body=ZONE).encode(),
    ],
    ids=["nested", "10 MB", "brackets", "encoded", "recipients", "parts", "zone"],
)
def test_no_message_takes_long(raw):
    begun = time.process_time()
    found = sorted_(raw)
    parse(found.calendar)
    assert time.process_time() - begun < 5 and not found.bounces
