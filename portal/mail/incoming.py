"""What a message that came back by mail is: a bounce, a calendar's answer, something automatic, or a letter.

Everything here reads bytes that anybody can send, knows no database and decides nothing. `sort` never raises.
"""

import email
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parseaddr
from typing import Literal
from uuid import UUID

from flufl.bounce import all_failures

Kind = Literal["bounce", "reply", "automatic", "own", "letter", "unreadable"]

MOST_CALENDAR = 256 * 1024
MOST_BOUNDARIES = 40
"""A report within a forwarded mail has a handful; each takes the parser longer than the one before."""
MOST_HOPS = 30
"""A message that went through so many servers goes in a circle (RFC 5321 6.3)."""

_OUR_ID = re.compile(r"<([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})@[^<>@\s]{1,255}>", re.IGNORECASE)
_ID_LINE = re.compile(r"^[>|\s]*message-id:\s*(<[^<>\s]{1,320}>)", re.IGNORECASE | re.MULTILINE)
_STATUS = re.compile(r"(?<![\d.])([45])\.([0-7])\.(\d{1,3})(?![\d.])")  # RFC 3463 2; no version, no network address

HARD = {"0.0", "1.0", "1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.1", "4.4"}
"""Of the permanent ones (5.x.x) those that say that nobody can be reached there (RFC 3463 3.2 and 3.3, RFC 7505 4.2; 4.4 is what
Postfix says of a domain that does not exist). A full mailbox or a rule against this mail may be over tomorrow."""

REASONS = {
    "1": "there is no such mailbox",
    "1.2": "there is no such mail server",
    "1.10": "the domain takes no mail",
    "2": "the mailbox takes nothing just now",
    "2.1": "the mailbox is switched off",
    "2.2": "the mailbox is full",
    "4": "the mail server could not be reached",
    "4.4": "there is no such mail server",
    "7": "the mail server’s rules refused it",
}
"""By the detail of an enhanced status code, else by its subject (RFC 3463 3)."""


@dataclass(frozen=True)
class Bounce:
    """One address a mail did not reach: for good (`hard`), for now, or not yet (`delayed`: it is still being tried)."""

    recipient: str
    reason: str
    hard: bool = False
    delayed: bool = False


@dataclass(frozen=True)
class Incoming:
    """A message, sorted. `sender` is what its From says, which anybody can write.

    `mail_ids` are the ids of our mails that a bounce names. `tokens` name the calendar entries it was sent to, in lower case.
    `may_answer` is false for what was sent by a program, and for everything else that must not be answered (RFC 3834 2).
    """

    kind: Kind
    sender: str = ""
    bounces: tuple[Bounce, ...] = ()
    mail_ids: frozenset[UUID] = field(default_factory=frozenset)
    tokens: frozenset[str] = field(default_factory=frozenset)
    calendar: str = ""
    may_answer: bool = False


def sort(raw: bytes, inbox_address: str, our_address: str) -> Incoming:
    """Sort a message. `inbox_address` is where replies come to, `our_address` what our own mails are sent from."""
    sender = ""
    if raw.lower().count(b"boundary") > MOST_BOUNDARIES:
        return Incoming("unreadable")
    try:
        message = email.message_from_bytes(raw)
        sender = _address(message, "From")
        return _sorted(message, sender, inbox_address, our_address)
    except Exception:  # whatever is wrong with it: it is somebody else's, and the next one waits
        return Incoming("unreadable", sender)


def _sorted(message: Message, sender: str, inbox_address: str, our_address: str) -> Incoming:
    if _is_report(message) and (bounces := tuple(_bounces(message))):
        return Incoming("bounce", sender, bounces=bounces, mail_ids=_our_ids(message))
    if sender.lower() in (inbox_address.lower(), our_address.lower()):
        return Incoming("own", sender)
    automatic = _is_automatic(message)
    if calendar := _calendar(message):
        tokens = _tokens(message, inbox_address)
        return Incoming("reply", sender, tokens=tokens, calendar=calendar, may_answer=not automatic)
    return Incoming("automatic" if automatic else "letter", sender)


def _header(message: Message, name: str) -> str:
    """A header as it reads, on one line; what cannot be decoded stays as it came."""
    value = str(message.get(name, ""))
    with suppress(Exception):  # an unknown charset, broken base64
        value = str(make_header(decode_header(value)))
    return " ".join("".join(c if c.isprintable() else " " for c in value).split())


def _address(message: Message, name: str) -> str:
    return parseaddr(_header(message, name))[1][:320]


def _is_report(message: Message) -> bool:
    """Whether it tells of a delivery, as RFC 3464 has it or from a mail server's own address."""
    if message.get_content_type() == "multipart/report":
        return True
    mailbox = _address(message, "From").partition("@")[0].lower()
    return _is_returned(message) or mailbox in ("mailer-daemon", "postmaster")


def _is_returned(message: Message) -> bool:
    return "Return-Path" in message and _header(message, "Return-Path") in ("", "<>")


def _is_automatic(message: Message) -> bool:
    """Whether a program sent it, or a list passed it on: RFC 3834 5, and what was usual before it."""
    if _header(message, "Auto-Submitted").partition(";")[0].strip().lower() not in ("", "no"):
        return True
    if _header(message, "Precedence").lower() in ("bulk", "junk", "list", "auto_reply"):
        return True
    if any(name in message for name in ("List-Id", "X-Autoreply", "X-Autorespond", "X-Loop")):
        return True
    return _is_report(message) or len(message.get_all("Received", ())) > MOST_HOPS


def _bounces(message: Message) -> Iterator[Bounce]:
    statuses = _statuses(message)
    delayed, failed = all_failures(message)
    written = "" if statuses else _first_text(message)
    for found, is_delayed in ((failed, False), (delayed, True)):
        for each in sorted(found):
            recipient = each.decode("ascii", "replace")
            status = statuses.get(recipient.lower()) or _code_in(written)
            yield Bounce(recipient, _reason(status), not is_delayed and _is_hard(status), is_delayed)


def _statuses(message: Message) -> dict[str, str]:
    """The status code of each address of a report, like 5.1.1; the one in its diagnostic if the report's own says nothing."""
    found = {}
    for part in message.walk():
        if part.get_content_type() == "message/delivery-status" and part.is_multipart():
            for block in part.get_payload():
                if isinstance(block, Message):
                    own, told = _code_in(_header(block, "Status")), _code_in(_header(block, "Diagnostic-Code"))
                    status = told if own.endswith(".0.0") and told else own
                    for name in ("Original-Recipient", "Final-Recipient"):
                        found[_header(block, name).rpartition(";")[2].strip(" <>").lower()] = status
    return found


def _code_in(written: str) -> str:
    match = _STATUS.search(written)
    return ".".join(match.groups()) if match else ""


def _is_hard(status: str) -> bool:
    return status.startswith("5.") and status[2:] in HARD


def unreachable(answer: str) -> str | None:
    """Why nobody can be reached at an address, by a mail server's answer to it while a mail is sent; None if it says something
    else, also about us or our relay.
    """
    status = _code_in(answer)
    return _reason(status) if _is_hard(status) and status != "5.0.0" else None


def _reason(status: str) -> str:
    """Why, in our own words: what a mail server writes can hold anything."""
    detail = status[2:]
    reason = REASONS.get(detail) or REASONS.get(detail.partition(".")[0]) or "the mail server sent it back"
    return f"{reason} ({status})" if status else reason


def _our_ids(message: Message) -> frozenset[UUID]:
    """The ids of mails it names: in the headers of what came back, in what it quotes, or as what it replies to."""
    named = [*message.get_all("In-Reply-To", ()), *message.get_all("References", ())]
    for part in message.walk():
        if part is not message:
            named += part.get_all("Message-ID", ())
        if part.get_content_maintype() == "text":
            named += _ID_LINE.findall(_text(part))
    return frozenset(UUID(found) for each in named for found in _OUR_ID.findall(str(each)))


def _tokens(message: Message, inbox_address: str) -> frozenset[str]:
    """The tokens of the addresses it was sent to, inbox+TOKEN@…."""
    mailbox, _, domain = inbox_address.lower().rpartition("@")
    headers = ("To", "Cc", "Delivered-To", "X-Original-To", "Envelope-To")
    written = [str(each) for name in headers for each in message.get_all(name, ())]
    ours = re.compile(rf"{re.escape(mailbox)}\+([a-z2-7]{{26}})@{re.escape(domain)}")
    matches = (ours.fullmatch(address.strip().lower()) for _, address in getaddresses(written))
    return frozenset(match[1] for match in matches if match)


def _calendar(message: Message) -> str:
    """The first calendar object in it, or nothing."""
    for part in message.walk():
        is_named = str(part.get_filename("")).lower().endswith(".ics")
        if part.get_content_type() in ("text/calendar", "application/ics") or is_named:
            found = _text(part)
            if len(found) <= MOST_CALENDAR and "BEGIN:VCALENDAR" in found.upper():
                return found
    return ""


def _first_text(message: Message) -> str:
    return next((_text(part) for part in message.walk() if part.get_content_maintype() == "text"), "")


def _text(part: Message) -> str:
    content = part.get_payload(decode=True)
    if not isinstance(content, bytes):
        return ""
    try:
        text = content.decode(part.get_content_charset() or "utf-8", "replace")
    except LookupError:  # a charset nobody knows
        text = content.decode("utf-8", "replace")
    return text.replace("\x00", "").removeprefix("\ufeff")
