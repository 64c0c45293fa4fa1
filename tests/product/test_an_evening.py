"""Evenings of a real club: the portal without its sandbox, behind TLS, as a member and an admin meet it.

And what comes back by mail: an answer given in a calendar, and a mail that did not arrive.
"""

import re
from collections.abc import Iterator
from email.utils import parseaddr
from pathlib import Path
from zipfile import ZipFile

import pytest
from icalendar import Calendar
from playwright.sync_api import Page, expect

from tests.support.evening import address_of, comes, enter_room, plan_meeting
from tests.support.imap import Mailbox, pymap
from tests.support.inbox import sample
from tests.support.real_club import HOST, ROOM_HOST, RealClub

pytestmark = pytest.mark.product

ROOM = f"https://{ROOM_HOST}/an-evening?code=7"


# What a mail with a REQUEST leaves; whatever it left is kept.
ENTRY = """
insert into calendar_entries as e (meeting_id, user_id, token, sequence, method)
select m.id, u.id, 'abcdefghijklmnopqrstuvwx23', 1, 'REQUEST' from meetings m, users u where m.title = %s and u.email = %s
    on conflict (meeting_id, user_id) do update set token = e.token
returning e.meeting_id, e.token, e.sequence
"""


@pytest.fixture(scope="module")
def mailbox() -> Iterator[Mailbox]:
    with pymap() as opened:
        yield opened


@pytest.fixture(scope="module")
def club(closed_club: RealClub, mailbox: Mailbox) -> RealClub:
    """Connected to no platform; its worker reads the mailbox."""
    closed_club.common["INBOX_ADDRESS"] = mailbox.user
    closed_club.worker["INBOX_URL"] = mailbox.url
    closed_club.open()
    return closed_club


def test_from_a_typed_link_to_who_came(club: RealClub, ana: Page, frida: Page) -> None:
    plan_meeting(ana, "Typed evening", address_of("Ana"), ROOM)
    comes(frida, "Typed evening")
    assert ROOM_HOST not in frida.content()
    room = enter_room(frida)
    assert room.url == ROOM
    assert room.evaluate("document.referrer") == ""
    expect(frida.get_by_text("Here now")).to_be_visible()

    frida.goto("/next")
    expect(frida.get_by_role("heading", level=1)).to_have_text("Typed evening")
    settled(club, "Typed evening")
    frida.goto("/meetings/past")
    expect(frida.get_by_text("Typed evening")).to_be_visible()
    expect(frida.get_by_text("Came", exact=True)).to_be_visible()


def test_a_yes_comes_to_the_calendar_by_mail(club: RealClub, ana: Page, frida: Page) -> None:
    plan_meeting(ana, "Calendar evening", address_of("Ana"), ROOM)
    comes(frida, "Calendar evening")
    with club.superuser() as postgres:
        postgres.execute("update calendar_changes set due_at = now()")
    club.work("calendar.sync")
    club.mail(address_of("Frida"), "You’re coming: Calendar evening")
    (mail,) = (mail for mail in club.post.to(address_of("Frida")) if "Calendar evening" in mail["Subject"])
    (part,) = (part for part in mail.walk() if part.get_content_type() == "text/calendar")
    calendar = Calendar.from_ical(part.get_content())
    (event,) = calendar.walk("VEVENT")
    assert part["Content-Type"].params["method"] == calendar["method"] == "REQUEST"
    assert event["attendee"] == f"mailto:{address_of('Frida')}" and event["attendee"].params["PARTSTAT"] == "ACCEPTED"
    assert ROOM_HOST not in part.get_content() and event["url"].startswith(club.url)


def settled(club: RealClub, title: str) -> None:
    """Two hours later, as the worker finds it at its next round."""
    with club.superuser() as postgres:
        postgres.execute(
            "update meetings set starts_at = starts_at - interval '2 hours',"
            " start_time = start_time - interval '2 hours',"
            " scheduled_date = (scheduled_date + start_time - interval '2 hours')::date where title = %s",
            [title],
        )
        postgres.execute("update presences set joined_at = joined_at - interval '2 hours'")
        club.work("attendance.sweep")
        state = postgres.execute("select status from meetings where title = %s", [title]).fetchone()
    assert state == ("completed",)


def test_a_no_from_a_calendar_is_on_the_page(club: RealClub, mailbox: Mailbox, ana: Page, frida: Page) -> None:
    plan_meeting(ana, "Answered elsewhere", address_of("Ana"), f"https://{ROOM_HOST}/room")
    comes(frida, "Answered elsewhere")
    with club.superuser() as postgres:
        meeting_id, token, sequence = postgres.execute(ENTRY, ["Answered elsewhere", address_of("Frida")]).fetchone()
    calendar = sample(
        "calendar/samples/rfc5546-3.2.3-reply.ics",
        uid=f"{meeting_id}@{HOST}",
        sequence=sequence,
        stamp="20991130T200000Z",
        token=token,
        partstat="DECLINED",
        attendee=f"mailto:{address_of('Frida')}",
    )
    mailbox.deliver(
        sample(
            "calendar/samples/rfc6047-4.3-reply.eml",
            sender=address_of("Frida"),
            recipient=mailbox.user.replace("@", f"+{token}@"),
            calendar=calendar,
        )
    )
    club.work("mail.read_inbox")
    frida.goto(f"/meetings/{meeting_id}")
    club.until(lambda: frida.reload() is not None and "You said no" in frida.content(), "the page shows the answer")


def test_an_address_that_does_not_exist_is_on_the_persons_page(
    club: RealClub, mailbox: Mailbox, ana: Page, frida: Page
) -> None:
    sent = club.post.to(address_of("Frida"))[0]
    mail_id, recipient = sent["Message-ID"].strip("<>").partition("@")[0], parseaddr(sent["To"])[1]
    mailbox.deliver(
        sample("mail/samples/ours/rfc3464-failed.eml", mail_id=mail_id, recipient=recipient, status="5.1.1")
    )
    club.work("mail.read_inbox")
    ana.goto("/admin/inbox")
    expect(ana.get_by_text("There is no such mailbox (5.1.1)", exact=True)).to_be_visible()
    ana.get_by_role("button", name="Try it again").click()
    expect(ana.get_by_text(f"Mails go to {recipient} again.")).to_be_visible()


def test_the_doctor_tries_the_inbox_and_what_its_own_mail_is_signed_with(
    club: RealClub, mailbox: Mailbox, ana: Page
) -> None:
    ana.goto("/admin/operations/doctor")
    ana.get_by_role("button", name="Try everything now").click()
    club.until(lambda: club.post.to(mailbox.user) != [], "the worker sends itself a mail")
    (sent,) = club.post.to(mailbox.user)
    sent["DKIM-Signature"] = "v=1; d=example.test; h=From:To:Subject:List-Unsubscribe; b=c2lnbmVk"
    mailbox.deliver(sent.as_bytes())
    finding = ana.get_by_role("row", name="Signature")
    expect(finding).to_contain_text("The DKIM signature leaves out List-Unsubscribe-Post", timeout=60_000)
    expect(ana.get_by_role("row", name="Inbox")).to_contain_text("The mailbox lets us in")
    expect(ana.get_by_text("DATABASE_URL was not given, so portal_web was not tried.")).to_be_visible()


MEMBERFUL = """Full name,Email,Plan,Expiration date,Created at,Stripe customer ID
Hana Moved,hana@moved.example,Gold,12/31/2099,01/15/2024,
Ivo Moved,ivo@moved.example,Gold,31/12/2099,01/15/2024,
"""


def test_people_come_by_a_file_are_invited_and_go_out_in_an_archive(club: RealClub, ana: Page) -> None:
    ana.goto("/admin/moving")
    ana.get_by_label("What it is").select_option("memberful")
    file = {"name": "members.csv", "mimeType": "text/csv", "buffer": MEMBERFUL.encode()}
    ana.get_by_label("File").set_input_files(file)
    ana.get_by_role("button", name="Upload").click()
    expect(ana.get_by_label("Paid until")).to_have_value("Expiration date")
    ana.get_by_role("button", name="Try it").click()
    expect(ana.get_by_role("heading", name="This would be taken")).to_be_visible()
    expect(ana.get_by_role("cell", name="That is not a date.")).to_be_visible()
    ana.get_by_label("Invite them by mail").check()
    ana.get_by_role("button", name="Move them in").click()
    expect(ana.get_by_role("heading", name="Moved in", exact=True)).to_be_visible()
    assert "/reset" in club.mail("hana@moved.example", "Your account at the club")
    ana.goto("/admin/people?q=moved")
    expect(ana.get_by_role("link", name=re.compile("Hana Moved|Ivo Moved"))).to_have_count(2)
    ana.goto("/admin/moving")
    ana.get_by_role("button", name="Make an archive").click()
    expect(ana.get_by_role("heading", name="The archive is ready")).to_be_visible()
    with ana.expect_download() as download:
        ana.get_by_role("button", name="Download it").click()
    with ZipFile(Path(download.value.path())) as archive:
        assert b"hana@moved.example" in archive.read("csv/users.csv")


def test_what_was_typed_is_in_no_log(club: RealClub) -> None:
    logs = "".join(log.read_text() for log in club.folder.glob("*.log"))
    assert "GET /meetings" in logs
    assert ROOM_HOST not in logs
    with club.superuser() as postgres:
        assert postgres.execute("select count(*) from system_logs l where l::text ~ 'an-evening'").fetchone() == (0,)
