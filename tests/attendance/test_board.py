"""The live board: one picture for everybody in a zone, names for those with access, and never the room's address."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from portal.attendance import live_board as board
from portal.clock import at
from portal.database import db
from portal.database.identity import Role, act_as
from portal.live.token import Audience, admit
from portal.meetings.board import Clock
from portal.rooms.sealing import seal
from tests.support.cast import ROOM_KEY
from tests.support.reading import lives_in, one, plain, plan, programme, statements, words
from tests.support.web import SECRET

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
PLANTED = ("https://meet.example/planted-4711", "planted-event-4711")
SEALED = seal(PLANTED[0], ROOM_KEY)


@pytest.fixture
def tonight(superuser, dora):
    """Dora's evening, two days from now, with a room behind it."""
    return plan(
        superuser,
        "Tonight",
        days=2,
        max_attendees=3,
        host_id=dora.id,
        host_name="Dora",
        meeting_link=SEALED,
        meeting_id=PLANTED[1],
    )


@pytest.fixture
def live(sign_in, tonight):
    """`live(eve)`: what a page without a stream asks for, fourteen minutes in."""

    def ask(person, minutes=14):
        with at(tonight.starts_at + minutes * MINUTE):
            return sign_in(person).get(f"/meetings/{tonight.id}/live")

    return ask


@pytest.fixture
def come(sign_in, tonight):
    """`come(alice, 3)`: through the door, so many minutes after the start."""

    def through(person, minutes):
        with at(tonight.starts_at + minutes * MINUTE):
            assert sign_in(person).submit(f"/meetings/{tonight.id}/join").status_code == 303

    return through


@pytest.fixture
def draw(app, tonight):
    """`draw(Audience(…))`: what the stream draws, as nobody, fourteen minutes in."""

    def drawn(*audiences, minutes=14, meeting=None):
        moment = tonight.starts_at + minutes * MINUTE
        keys = [(str((meeting or tonight).id), audience) for audience in audiences]
        with app.app_context(), at(moment):
            act_as(db.session(), Role("none"))
            drawings = board.render_fragments(
                app, db.session(), keys, lambda zone: Clock(moment, zone, "Europe/Istanbul", 10)
            )
            db.session.commit()
        return [drawings[key] for key in keys if key in drawings]

    return drawn


ISTANBUL, BERLIN = Audience("Europe/Istanbul", True), Audience("Europe/Berlin", True)
OUTSIDE = Audience("Europe/Istanbul", False)


def test_who_is_here_stands_with_the_minute_they_came_latest_first(live, come, alice, bob, charlie):
    come(alice, -4)
    come(bob, 9)
    assert "2 of the 2 who said yes, latest first" in plain(live(charlie).text)
    assert "Bob 21:09 Alice 20:56" in plain(live(charlie).text)


def test_the_host_is_marked(live, come, dora, charlie):
    come(dora, 0)
    assert "Dora host 21:00" in plain(live(charlie).text)


def test_names_are_for_those_with_access(live, come, alice, eve):
    come(alice, 1)
    text = live(eve).text
    assert "Names are shown to members with a plan." in text and "Alice" not in text
    assert "1 person is here now" in plain(text)


def test_an_admin_sees_names_without_access(live, come, superuser, alice, dora, tonight):
    come(alice, 1)
    superuser.execute("update users set access_until = null where id = %s", [dora.id])
    assert "Alice" in live(dora).text


def test_nobody_here_is_a_sentence(live, charlie):
    assert "Nobody is here yet. The doors opened at 20:50." in plain(live(charlie).text)


def test_who_left_is_gone_from_the_board(live, come, sign_in, alice, charlie, tonight):
    come(alice, 1)
    with at(tonight.starts_at + 5 * MINUTE):
        sign_in(alice).submit(f"/meetings/{tonight.id}/leave")
    assert "Alice" not in live(charlie).text


def test_who_has_no_first_name_is_called_by_the_mailbox(live, come, superuser, alice, charlie):
    superuser.execute("update users set first_name = null where id = %s", [alice.id])
    come(alice, 1)
    assert "alice 21:01" in plain(live(charlie).text) and "club.example" not in live(charlie).text


def test_a_page_without_a_stream_gets_what_the_stream_draws(live, draw, come, alice, charlie, eve):
    come(alice, 1)
    (members, _), (outside, _) = draw(ISTANBUL, OUTSIDE)
    assert live(charlie).text == members.decode()
    assert live(eve).text == outside.decode()


def test_the_page_itself_shows_what_the_stream_draws(draw, come, sign_in, alice, charlie, tonight):
    come(alice, 1)
    with at(tonight.starts_at + 14 * MINUTE):
        page = plain(sign_in(charlie).get(f"/meetings/{tonight.id}").text)
    ((html, _),) = draw(ISTANBUL)
    pieces = [plain(piece) for piece in html.decode().split("</hx-partial>")]
    assert all(piece in page for piece in pieces if piece)


def test_each_zone_has_its_own_times(draw, come, tonight, alice):
    come(alice, 1)
    (here, _), (berlin, _) = draw(ISTANBUL, BERLIN)
    assert "Alice 21:01" in plain(here.decode()) and "at 21:00 Istanbul" in plain(here.decode())
    assert f"Alice {tonight.starts_at.astimezone(ZoneInfo('Europe/Berlin')):%H}:01" in plain(berlin.decode())


def test_a_hundred_audiences_cost_two_statements(app, draw):
    zones = ["Europe/Istanbul", "Europe/Berlin", "Asia/Tokyo", "America/New_York", "UTC"]
    audiences = [Audience(zone, names) for zone in zones for names in (True, False)] * 10
    with statements() as sent:
        assert len(draw(*audiences)) == 100
    assert len(sent) == 1 + 2


def test_a_meeting_that_is_gone_is_left_out(draw, superuser, tonight):
    superuser.execute("delete from meetings")
    assert draw(ISTANBUL) == []


@pytest.mark.parametrize(
    ("minutes", "next_minutes"),
    [(-3000, -40), (-300, -299), (-10, -9), (0, 1), (59, 60), (60, 60 + 1440)],
    ids=["ahead", "the day itself", "doors", "start", "last minute", "over"],
)
def test_the_board_knows_when_the_clock_alone_will_change_it(draw, tonight, minutes, next_minutes):
    ((_, change),) = draw(ISTANBUL, minutes=minutes)
    assert change == tonight.starts_at + next_minutes * MINUTE


def test_the_ticket_of_a_page_is_for_its_viewers_zone_and_access(sign_in, superuser, charlie, eve, tonight):
    lives_in(superuser, charlie, "Asia/Tokyo")
    for person, audience in ((charlie, Audience("Asia/Tokyo", True)), (eve, Audience("Europe/Istanbul", False))):
        token = sign_in(person).get(f"/meetings/{tonight.id}").text.partition("?token=")[2].partition('"')[0]
        ticket = admit([SECRET], token)
        assert (ticket.meeting, ticket.audience) == (str(tonight.id), audience)
        assert one(superuser, "select user_id from sign_ins where id = %s", ticket.sign_in) == person.id


# --- the room's address ----------------------------------------------------------------------------------------------


def test_no_page_mail_or_log_ever_holds_the_rooms_address(
    app, client, sign_in, draw, come, work, superuser, alice, charlie, dora, eve, tonight
):
    programme(superuser, 3, days=-5)
    superuser.execute("update meetings set meeting_link = %s, meeting_id = %s", [SEALED, PLANTED[1]])
    come(alice, 1)
    texts = [html.decode() for html, _ in draw(ISTANBUL, OUTSIDE)]
    for browser in (client, sign_in(eve), sign_in(charlie), sign_in(alice), sign_in(dora)):
        for path in addresses(app, tonight):
            for minutes in (-300, 14, 90):
                with at(tonight.starts_at + minutes * MINUTE):
                    answer = browser.get(path)
                assert answer.status_code != 500
                texts.append(answer.text + str(answer.headers))
    with at(tonight.starts_at - 5 * HOUR):
        desk = sign_in(dora)
        superuser.execute(
            "update sign_ins set proved_at = %s where user_id = %s", [tonight.starts_at - 5 * HOUR, dora.id]
        )
        desk.submit(f"/admin/meetings/{tonight.id}/cancellation", reason="The host is ill.")
    work()
    tables = ("mails", "sandbox_mails", "system_logs", "procrastinate_jobs", "procrastinate_events")
    texts += [str(superuser.execute(f"select * from {table}").fetchall()) for table in tables]
    assert "planted" not in "".join(texts) and SEALED not in "".join(texts)
    assert one(superuser, "select count(*) from sandbox_mails") == 1


def addresses(app, meeting):
    """Every address the portal answers a look at."""
    for rule in app.url_map.iter_rules():
        if "GET" in rule.methods:
            yield rule.build({name: meeting.id if name.endswith("_id") else "x" for name in rule.arguments})[1]


def test_the_button_leads_to_the_portals_own_address_and_only_its_redirect_to_the_room(sign_in, alice, tonight):
    with at(tonight.starts_at):
        answer = sign_in(alice).submit(f"/meetings/{tonight.id}/join")
    assert answer.location == PLANTED[0] and str(answer.headers).count("planted") == 1 and answer.text == ""


def test_the_words_of_the_page_say_so(sign_in, alice, tonight):
    with at(tonight.starts_at):
        assert "We never show or mail the link itself." in words(sign_in(alice).get(f"/meetings/{tonight.id}"))
