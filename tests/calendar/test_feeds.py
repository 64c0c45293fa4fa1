"""Feeds: made and revoked by a member, read by calendar programs, and empty for who may not come in."""

import re
from datetime import timedelta

import pytest
import vobject
from icalendar import Calendar

from tests.support.cast import plan_meeting
from tests.support.reading import invite, one, operations, plan, statements, words

DAY = timedelta(days=1)


@pytest.fixture
def makes(sign_in):
    """`makes(person, shows="mine")`: somebody makes a feed; the path of its address."""

    def make(person, shows="mine", name="My phone"):
        answer = sign_in(person).submit("/calendar/feeds", name=name, shows=shows)
        assert answer.status_code == 200
        return re.search(r'value="https://localhost(/calendar/[\w-]+\.ics)"', answer.text)[1]

    return make


@pytest.fixture
def reads(client):
    """`reads(path)`: the events of a feed by title, as a calendar program without a session reads them."""

    def read(path):
        answer = client.get(path)
        assert answer.status_code == 200 and answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
        events = Calendar.from_ical(answer.data).walk("VEVENT")
        return {str(event["SUMMARY"]): event for event in events}

    return read


def state(event):
    """STATUS and TRANSP."""
    return str(event["STATUS"]), str(event["TRANSP"])


# --- the page --------------------------------------------------------------------------------------------------------


def test_a_feed_is_shown_once_and_only_its_hash_is_kept(makes, sign_in, charlie, superuser):
    token = makes(charlie).removeprefix("/calendar/").removesuffix(".ics")
    assert len(token) == 43
    assert one(superuser, "select token_hash = sha256(%s) from calendar_feeds", token.encode())
    page = sign_in(charlie).get("/calendar/feeds")
    assert "My phone" in words(page) and token not in page.text


def test_its_buttons_lead_to_apple_google_and_outlook(sign_in, charlie):
    page = sign_in(charlie).submit("/calendar/feeds", name="My phone", shows="mine").text
    assert 'href="webcal://localhost/calendar/' in page
    assert 'href="https://calendar.google.com/calendar/u/0/r/settings/addbyurl"' in page
    assert 'href="https://outlook.live.com/calendar/0/addfromweb?url=https%3A%2F%2Flocalhost%2Fcalendar%2F' in page
    assert 'download="meetings.ics"' in page


def test_revoking_ends_it_at_once(makes, sign_in, client, charlie, superuser):
    path, other = makes(charlie), makes(charlie, name="Work")
    feed = one(superuser, "select id from calendar_feeds where name = 'My phone'")
    assert sign_in(charlie).submit(f"/calendar/feeds/{feed}/revocation").location == "/calendar/feeds"
    assert client.get(path).status_code == 404 and client.get(other).status_code == 200
    assert operations(superuser) == ["feed.made", "feed.made", "feed.revoked"]


def test_nobody_revokes_or_sees_somebody_elses(makes, sign_in, client, charlie, alice, superuser):
    path = makes(charlie)
    feed = one(superuser, "select id from calendar_feeds")
    assert sign_in(alice).submit(f"/calendar/feeds/{feed}/revocation").status_code == 404
    assert "You have no feed yet." in words(sign_in(alice).get("/calendar/feeds"))
    assert client.get(path).status_code == 200


def test_a_feed_wants_a_name_and_keeps_what_was_chosen(sign_in, charlie, superuser):
    answer = sign_in(charlie).submit("/calendar/feeds", name=" ", shows="everything")
    assert answer.status_code == 422 and "Enter a name you will recognise" in words(answer)
    assert re.search(r'<option selected value="everything"', answer.text)
    assert one(superuser, "select count(*) from calendar_feeds") == 0


def test_there_are_ten_and_no_more(sign_in, charlie, superuser):
    browser = sign_in(charlie)
    answers = [browser.submit("/calendar/feeds", name=f"Place {n}", shows="mine") for n in range(11)]
    assert [answer.status_code for answer in answers] == [200] * 10 + [422]
    assert "You have ten feeds. Revoke one" in words(answers[-1])


# --- what is in it ---------------------------------------------------------------------------------------------------

ANSWERS = {
    "accepted": ("CONFIRMED", "OPAQUE"),
    "offered": ("TENTATIVE", "OPAQUE"),
    "requested": ("TENTATIVE", "TRANSPARENT"),
    "waitlisted": ("TENTATIVE", "TRANSPARENT"),
    "declined": ("CONFIRMED", "TRANSPARENT"),
    "rejected": ("CONFIRMED", "TRANSPARENT"),
    "withdrawn": ("TENTATIVE", "TRANSPARENT"),
    "invited": ("TENTATIVE", "TRANSPARENT"),
}


def answers_each(superuser, person):
    """A meeting for each answer, called by it."""
    for answer in ANSWERS:
        more = {"waiting_since": "2026-11-01"} if answer == "waitlisted" else {}
        more |= {"offer_expires_at": "2099-11-01"} if answer == "offered" else {}
        invite(superuser, person, plan(superuser, answer), answer=answer, **more)


def test_everything_has_each_meeting_with_how_it_stands(makes, reads, charlie, superuser):
    answers_each(superuser, charlie)
    plan(superuser, "open")
    events = reads(makes(charlie, "everything"))
    assert {title: state(event) for title, event in events.items()} == {**ANSWERS, "open": ("TENTATIVE", "TRANSPARENT")}


def test_mine_has_what_i_said_yes_to_and_what_i_was_invited_to_by_name(makes, reads, charlie, superuser):
    answers_each(superuser, charlie)
    invite(superuser, charlie, plan(superuser, "private", is_private=True))
    plan(superuser, "hosted", host_id=charlie.id)
    plan(superuser, "open")
    assert set(reads(makes(charlie))) == {"accepted", "offered", "requested", "waitlisted", "private", "hosted"}


def test_an_entry_has_the_uid_of_the_file_and_leads_to_the_page(makes, reads, sign_in, charlie, supper):
    event = reads(makes(charlie, "everything"))["Supper"]
    file = Calendar.from_ical(sign_in(charlie).get(f"/meetings/{supper.id}.ics").data).walk("VEVENT")[0]
    assert event["UID"] == file["UID"] == f"{supper.id}@localhost"
    assert (event["DTSTART"].dt, event["DTEND"].dt) == (supper.starts_at, supper.ends_at)
    assert event["URL"] == f"https://localhost/meetings/{supper.id}" and event["URL"] in event["DESCRIPTION"]
    assert "You have not answered yet." in event["DESCRIPTION"]


def test_a_cancelled_meeting_stays_in_it_as_cancelled(makes, reads, charlie, superuser):
    film = plan(superuser, "Film", status="cancelled", cancellation_reason="The host is ill.")
    invite(superuser, charlie, film, answer="accepted")
    assert state(reads(makes(charlie))["Film"]) == ("CANCELLED", "TRANSPARENT")


def test_who_is_asked_again_after_a_move_has_it_as_tentative(makes, reads, charlie, superuser, supper):
    invite(superuser, charlie, supper, answer="accepted")
    path = makes(charlie)
    assert state(reads(path)["Supper"]) == ("CONFIRMED", "OPAQUE")
    superuser.execute("update meetings set starts_at = starts_at + interval '3 hours' where id = %s", [supper.id])
    assert state(reads(path)["Supper"]) == ("TENTATIVE", "OPAQUE")


def test_the_sequence_is_that_of_the_mails(makes, reads, charlie, superuser, supper):
    superuser.execute(
        "insert into calendar_entries (meeting_id, user_id, token, sequence) values (%s, %s, repeat('a', 26), 3)",
        [supper.id, charlie.id],
    )
    assert reads(makes(charlie, "everything"))["Supper"]["SEQUENCE"] == 3


def test_it_reaches_sixty_days_back_and_as_far_ahead_as_is_planned(makes, reads, charlie, superuser):
    for days in (-70, -50, 300):
        plan(superuser, f"In {days}", days=days, status="completed" if days < 0 else "scheduled")
    assert set(reads(makes(charlie, "everything"))) == {"In -50", "In 300"}


def test_vobject_reads_it_too(makes, client, charlie, superuser, supper):
    plan(superuser, "A; title, with\\all of it “é” 🦆 and so long that its line has to be folded somewhere")
    calendar = vobject.readOne(client.get(makes(charlie, "everything")).get_data(as_text=True))
    assert calendar.x_wr_calname.value == "Goalete" and calendar.refresh_interval.value == "PT4H"
    titles = {event.summary.value for event in calendar.vevent_list}
    assert titles == {"Supper", "A; title, with\\all of it “é” 🦆 and so long that its line has to be folded somewhere"}
    assert not hasattr(calendar, "method")


# --- who may read what -----------------------------------------------------------------------------------------------


def test_a_private_meeting_is_for_who_is_invited_and_gone_with_the_invitation(
    makes, reads, charlie, dora, superuser, secret
):
    his, admins = makes(charlie, "everything"), makes(dora, "everything")
    assert reads(his) == reads(admins) == {}
    invite(superuser, charlie, secret)
    assert set(reads(his)) == {"Secret"} and reads(admins) == {}
    superuser.execute("delete from meeting_attendances")
    assert reads(his) == {}


GONE = {
    "update users set access_until = now() where id = %s": "You have no plan at the moment",
    "update users set is_active = false where id = %s": "This account is suspended",
    "update users set is_active = false, closed_at = now() where id = %s": "This account is closed",
}


@pytest.mark.parametrize("statement", GONE)
def test_who_may_not_come_in_reads_an_empty_calendar_that_says_so(
    makes, reads, client, charlie, superuser, supper, statement
):
    path = makes(charlie, "everything")
    superuser.execute("set session_replication_role = replica")
    superuser.execute(statement, [charlie.id])
    superuser.execute("set session_replication_role = origin")
    assert reads(path) == {}
    assert vobject.readOne(client.get(path).text).x_wr_caldesc.value.startswith(GONE[statement])


def test_somebody_without_access_can_make_one_and_it_fills_when_they_have(makes, reads, eve, superuser, supper):
    path = makes(eve, "everything")
    assert reads(path) == {}
    superuser.execute(
        "insert into access_grants (user_id, kind, starts_at, ends_at) values (%s, 'gift', now(), now() + interval '9 days')",
        [eve.id],
    )
    superuser.execute("select refresh_projection(%s, now())", [eve.id])
    assert set(reads(path)) == {"Supper"}


def test_calendars_that_ask_robots_txt_may_read_it_and_search_engines_keep_none(makes, client, charlie):
    path, rules = makes(charlie), re.findall(r"(Allow|Disallow): (\S+)", client.get("/robots.txt").text)
    # RFC 9309 2.2.2 and 2.2.3: the longest rule that fits holds; * is anything, $ the end.
    fitting = {rule: word for word, rule in rules if re.match(rule.replace(".", r"\.").replace("*", ".*"), path)}
    assert fitting[max(fitting, key=len)] == "Allow"
    assert client.get(path).headers["X-Robots-Tag"] == "noindex"


def test_an_address_that_leads_nowhere_is_404(client, database):
    assert client.get("/calendar/nothing.ics").status_code == 404


def test_a_calendar_that_looks_all_the_time_is_told_to_wait(makes, client, charlie):
    path = makes(charlie)
    statuses = [client.get(path).status_code for _ in range(61)]
    assert statuses == [200] * 60 + [429]


# --- asked again -----------------------------------------------------------------------------------------------------


def test_a_calendar_that_has_it_already_is_answered_304(makes, client, charlie, supper, superuser):
    path = makes(charlie, "everything")
    first = client.get(path)
    assert first.headers["Cache-Control"] == "private, no-cache" and first.headers["Last-Modified"]
    again = client.get(path, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data, again.headers["ETag"]) == (304, b"", first.headers["ETag"])


def test_somebody_elses_answer_is_no_news_and_another_hour_is(makes, client, charlie, alice, as_, supper, superuser):
    path = makes(charlie, "everything")
    has = {"If-None-Match": client.get(path).headers["ETag"]}
    with as_(alice) as db:
        db.execute("select rsvp(%s, 'accepted')", [supper.id])
    assert client.get(path, headers=has).status_code == 304
    superuser.execute("update meetings set duration = 90 where id = %s", [supper.id])
    assert client.get(path, headers=has).status_code == 200


def test_what_vanished_is_noticed_by_who_asks_by_date_alone(makes, client, charlie, superuser, secret):
    invite(superuser, charlie, secret)
    path = makes(charlie, "everything")
    has = {"If-Modified-Since": client.get(path).headers["Last-Modified"]}
    superuser.execute("delete from meeting_attendances")
    assert "Secret" not in client.get(path, headers=has).text


def test_looking_changes_nothing(makes, client, charlie, superuser, supper):
    path = makes(charlie, "everything")
    before = superuser.execute("select * from calendar_feeds").fetchall()
    assert client.get(path).status_code == client.head(path).status_code == 200
    assert client.head(path).data == b"" and client.post(path).status_code == 405
    assert superuser.execute("select * from calendar_feeds").fetchall() == before


def test_it_costs_one_statement_besides_the_counter_of_tries(makes, client, charlie, superuser, supper):
    path = makes(charlie, "everything")
    client.get(path)
    with statements() as sent:
        client.get(path)
    few = len(sent)
    for number in range(30):
        plan_meeting(superuser, f"Evening {number}")
    with statements() as sent:
        client.get(path)
    assert len(sent) == few <= 3


# --- the end ---------------------------------------------------------------------------------------------------------


def test_closing_the_account_leaves_a_nameless_feed_that_says_so_for_ninety_days(
    makes, reads, client, charlie, as_, superuser, worker_app, now
):
    path = makes(charlie)
    with as_(charlie) as db:
        db.execute("select auth.close_account()")
    assert one(superuser, "select name from calendar_feeds") == ""
    assert reads(path) == {} and "This account is closed" in client.get(path).text.replace("\r\n ", "")


def test_the_copy_of_ones_data_names_feeds_and_no_address(makes, sign_in, charlie):
    token = makes(charlie).removeprefix("/calendar/").removesuffix(".ics")
    answer = sign_in(charlie).get("/account/data.json")
    (feed,) = answer.json["calendar_feeds"]
    assert (feed["name"], feed["shows"]) == ("My phone", "mine") and token not in answer.text
