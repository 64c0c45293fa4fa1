"""A typed link: what may be one, where it is typed, who sees it, and where it leads."""

import pytest

from portal import clock
from portal.problems import Refused
from portal.rooms import link
from tests.rooms.conftest import HOUR, MINUTE, opened
from tests.support.reading import one, operations, plan, said_at, words

LINK = "https://meet.example.test/supper?pwd=fifteen-spoons"
REFUSED = {
    "meet.example.org/supper": link.NotALink,
    "https:meet.example.org": link.NotALink,
    "https://": link.NotALink,
    "https://meet example.org/": link.NotALink,
    "https:\\\\meet.example.org": link.NotALink,
    "https://meet.example.org\\@evil.example/": link.NotALink,
    "https://meet.exam%70le.org/": link.NotALink,
    "https://meet.example.org:99999/": link.NotALink,
    "https://-meet.example.org/": link.NotALink,
    "http://meet.example.org/supper": link.NotHttps,
    "javascript:alert(1)": link.NotHttps,
    "data:text/html,hello": link.NotHttps,
    "https://meet.example.org/" + "x" * 480: link.TooLong,
    "https://ana@meet.example.org/": link.WithAName,
    "https://meet.example.org:443@evil.example/": link.WithAName,
    "https://club.example/meetings": link.OurOwn,
    "https://CLUB.example./meetings": link.OurOwn,
    "https://localhost/": link.NoPublicHost,
    "https://rooms.localhost:8000/": link.NoPublicHost,
    "https://localhost./": link.NoPublicHost,
    "https://intranet/": link.NoPublicHost,
    "https://192.168.0.7/": link.NoPublicHost,
    "https://8.8.8.8/": link.NoPublicHost,
    "https://127.1/": link.NoPublicHost,
    "https://2130706433/": link.NoPublicHost,
    "https://0x7f.1/": link.NoPublicHost,
    "https://example.0x7F/": link.NoPublicHost,
    "https://１２７.0.0.1/": link.NoPublicHost,
    "https://[::1]/": link.NoPublicHost,
    "https://[v1.example.org]/": link.NoPublicHost,
}


@pytest.mark.parametrize(("typed", "refusal"), REFUSED.items(), ids=range(len(REFUSED)))
def test_what_is_no_link_is_refused_with_its_sentence(typed, refusal):
    with pytest.raises(refusal) as refused:
        link.checked(typed, "club.example")
    assert type(refused.value) is refusal and isinstance(refused.value, Refused)


@pytest.mark.parametrize(
    "typed",
    [
        "https://meet.example.org/supper",
        "HTTPS://Meet.Example.org:8443/j/9?pwd=a%20b#x",
        "https://münchen.example/abend",
        "https://meet.example.org/@ana",
        "https://8x8.vc/club/supper",
        "https://club.example.org/",
    ],
)
def test_any_other_https_address_may_be_one(typed):
    assert link.checked(typed, "club.example") == typed


# --- typed by an admin ---------------------------------------------------------------------------------------------------


@pytest.fixture
def typed(desk, given, superuser):
    """A meeting planned with a link."""
    desk.submit("/admin/meetings/new", **given, link=LINK)
    return one(superuser, "select id from meetings")


def test_a_link_is_kept_sealed_and_the_room_is_ready(typed, superuser):
    sealed, state = superuser.execute("select meeting_link, provision_state from meetings").fetchone()
    assert "meet.example" not in sealed and opened(sealed) == LINK and state == "ready"
    assert one(superuser, "select made_by from rooms") == "link"
    assert operations(superuser) == ["meeting.planned", "room.link-set"]


def test_a_wrong_link_is_told_at_its_field_and_nothing_is_planned(desk, given, superuser):
    answer = desk.submit("/admin/meetings/new", **given, link="http://meet.example.org")
    assert answer.status_code == 422 and said_at(answer, "link") == "The link has to begin with https://."
    assert 'value="http://meet.example.org"' in answer.text and one(superuser, "select count(*) from meetings") == 0


def test_what_is_set_is_never_shown_again(typed, desk):
    for path in (f"/admin/meetings/{typed}/edit", f"/admin/meetings/{typed}", f"/meetings/{typed}/room", "/admin/log"):
        page = desk.get(path)
        assert page.status_code == 200 and "meet.example" not in page.text and "fifteen" not in page.text
    assert "A link is set" in words(desk.get(f"/admin/meetings/{typed}/edit"))


def test_saving_other_things_keeps_it_and_it_is_replaced_or_removed(typed, desk, given, superuser):
    def save(**changes):
        revision = one(superuser, "select revision from meetings")
        return desk.submit(f"/admin/meetings/{typed}/edit", **{**given, "revision": revision, **changes})

    save(title="Mending and making")
    assert opened(one(superuser, "select meeting_link from meetings")) == LINK
    save(link="https://meet.example.test/other")
    assert opened(one(superuser, "select meeting_link from meetings")) == "https://meet.example.test/other"
    save(remove_link="y")
    assert superuser.execute("select meeting_link, provision_state from meetings").fetchone() == (None, "none")
    assert one(superuser, "select count(*) from rooms") == 0


def test_an_admin_may_look_at_it_with_a_fresh_code_and_the_log_knows(typed, desk, superuser):
    answer = desk.submit(f"/admin/meetings/{typed}/room/address")
    assert LINK in words(answer) and answer.headers["Cache-Control"] == "no-store"
    assert "room.revealed" in operations(superuser)
    superuser.execute("update sign_ins set proved_at = now() - interval '1 hour'")
    assert "fifteen" not in desk.submit(f"/admin/meetings/{typed}/room/address").text


# --- a series ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def weekly(desk, given):
    """A series every day with a link, as its form; and its address."""
    days = {"starts_on": given.pop("scheduled_date"), "repeats": "daily", "month_week": "1", "month_weekday": "1"}
    rule = {**given, **days, "link": LINK}
    return rule, desk.submit("/admin/series/new", **rule).location


def links(superuser):
    return {opened(link) for (link,) in superuser.execute("select distinct meeting_link from meetings").fetchall()}


def test_a_link_of_a_series_is_that_of_its_meetings(weekly, superuser):
    assert links(superuser) == {LINK}
    assert one(superuser, "select count(*) from meetings m join rooms r on r.meeting_id = m.id") > 20


def test_meetings_made_later_have_it_too(weekly, worker_app, superuser):
    from portal.meetings.jobs import extend_series
    from tests.support.reading import do

    superuser.execute("delete from meetings where starts_at > now() + interval '20 days'")
    do(worker_app, extend_series)
    assert one(superuser, "select count(*) from meetings") > 25 and links(superuser) == {LINK}


def test_changed_from_a_day_on_the_rest_keeps_it_and_a_new_one_reaches_what_follows(weekly, desk, superuser):
    rule, address = weekly
    fourth = str(one(superuser, "select series_date from meetings order by 1 offset 3 limit 1"))
    changed = {**rule, "starts_on": fourth, "link": "", "title": "Later", "revision": "0"}
    following = desk.submit(f"{address}/edit", **changed).location
    assert following != address and links(superuser) == {LINK}
    revision = str(one(superuser, "select revision from meeting_series where title = 'Later'"))
    other = {**changed, "link": "https://meet.example.test/later", "revision": revision}
    desk.submit(f"{following}/edit", **other)
    titled = "select meeting_link from meetings where title = %s limit 1"
    assert opened(one(superuser, titled, rule["title"])) == LINK
    assert opened(one(superuser, titled, "Later")) == "https://meet.example.test/later"


def test_a_meeting_with_a_link_of_its_own_keeps_that(weekly, desk, superuser):
    rule, address = weekly
    first = one(superuser, "select id from meetings order by starts_at limit 1")
    desk.submit(f"/meetings/{first}/room", link="https://meet.example.test/own")
    desk.submit(f"{address}/edit", **{**rule, "link": "", "remove_link": "y", "revision": "0"})
    assert opened(one(superuser, "select meeting_link from meetings where id = %s", first)).endswith("/own")
    assert one(superuser, "select count(*) from meetings where meeting_link is not null") == 1


# --- typed by the host ---------------------------------------------------------------------------------------------------


@pytest.fixture
def supper(superuser, people):
    """An evening of Alice's without a room."""
    return plan(superuser, "Supper", host_id=people[0].id, meeting_link=None, provision_state="none", platform="link")


def test_the_host_types_it_and_it_replaces_what_was_there(sign_in, alice, supper, superuser):
    hers = sign_in(alice)
    assert "No link is set" in words(hers.get(f"/meetings/{supper.id}"))
    for address in (LINK, "https://meet.example.test/other"):
        answer = hers.submit(f"/meetings/{supper.id}/room", link=address)
        assert "The link is set." in hers.get(answer.location).text
        assert opened(one(superuser, "select meeting_link from meetings")) == address
    assert "meet.example" not in hers.get(f"/meetings/{supper.id}/room").text


def test_a_wrong_link_of_the_host_stays_typed_with_its_sentence(sign_in, alice, supper, superuser):
    answer = sign_in(alice).submit(f"/meetings/{supper.id}/room", link="https://192.168.0.7/x")
    assert (
        said_at(answer, "link") == "This leads to one machine or network only. Enter a link that works for everybody."
    )
    assert (
        'value="https://192.168.0.7/x"' in answer.text and one(superuser, "select meeting_link from meetings") is None
    )


def test_nobody_else_may(sign_in, charlie, supper, superuser, as_):
    assert sign_in(charlie).get(f"/meetings/{supper.id}/room").status_code == 404
    assert sign_in(charlie).submit(f"/meetings/{supper.id}/room", link=LINK).status_code == 404
    with as_(charlie) as db:
        assert one(db, "select set_room_link(%s, 'sealed')", supper.id) is False
    assert one(superuser, "select meeting_link from meetings") is None


def test_the_host_whose_access_ended_may_not(sign_in, alice, supper, superuser):
    superuser.execute("update users set access_until = now() - interval '1 day' where id = %s", [alice.id])
    answer = sign_in(alice).submit(f"/meetings/{supper.id}/room", link=LINK)
    assert answer.status_code == 409 and one(superuser, "select meeting_link from meetings") is None


def test_after_the_end_the_room_stays_as_it_was(sign_in, alice, supper, superuser):
    with clock.at(supper.ends_at + MINUTE):
        answer = sign_in(alice).submit(f"/meetings/{supper.id}/room", link=LINK)
    assert answer.status_code == 422 and one(superuser, "select meeting_link from meetings") is None


# --- where it leads ------------------------------------------------------------------------------------------------------


@pytest.fixture
def enter(sign_in, supper):
    def press(person, minutes=0):
        browser = sign_in(person)
        with clock.at(supper.starts_at + minutes * MINUTE):
            return browser.submit(f"/meetings/{supper.id}/join")

    return press


def test_join_leads_there_and_leaves_no_trace_of_it(sign_in, enter, alice, charlie, supper, superuser, caplog):
    sign_in(alice).submit(f"/meetings/{supper.id}/room", link=LINK)
    answer = enter(charlie)
    assert (answer.status_code, answer.location) == (303, LINK)
    assert answer.headers["Cache-Control"] == "no-store" and answer.headers.getlist("Referrer-Policy") == [
        "no-referrer"
    ]
    assert "meet.example" not in answer.text + caplog.text
    for table in ("system_logs", "procrastinate_jobs", "mails"):
        rows = str(superuser.execute(f"select array_agg(to_jsonb(t)) from {table} t").fetchone())
        assert "meet.example" not in rows


def test_without_a_room_the_page_says_so_and_nobody_is_counted(enter, sign_in, charlie, supper, superuser):
    answer = enter(charlie)
    assert answer.status_code == 409 and "The room isn’t open yet. This page lets you in as soon as it is." in words(
        answer
    )
    assert "/join" not in answer.text
    assert (
        one(superuser, "select count(*) from presences")
        == one(superuser, "select count(*) from meeting_attendances")
        == 0
    )
    with clock.at(supper.starts_at):
        assert "/join" not in sign_in(charlie).get("/meetings").text


def test_whoever_waits_hears_of_the_link_with_its_commit(sign_in, alice, supper, connect):
    listening = connect("portal_web", autocommit=True)
    listening.execute("listen meetings")
    sign_in(alice).submit(f"/meetings/{supper.id}/room", link=LINK)
    assert [note.payload for note in listening.notifies(timeout=2, stop_after=1)] == [str(supper.id)]


def test_an_address_that_is_kept_of_a_room_that_is_gone_leads_nobody_there(
    sign_in, enter, alice, charlie, supper, superuser
):
    sign_in(alice).submit(f"/meetings/{supper.id}/room", link=LINK)
    superuser.execute("update meetings set provision_state = 'failed' where meeting_link is not null")
    answer = enter(charlie)
    assert answer.status_code == 409 and "The room isn’t open yet." in words(answer)


def test_a_lost_key_is_no_room_and_an_error_without_the_address(enter, charlie, supper, superuser, caplog):
    from portal.rooms.sealing import seal

    superuser.execute("update meetings set meeting_link = %s, provision_state = 'ready'", [seal(LINK, "another key")])
    answer = enter(charlie)
    assert answer.status_code == 409 and "The room isn’t open yet." in words(answer)
    assert "ROOM_KEY does not open the address of meeting" in caplog.text and "meet.example" not in caplog.text
    assert one(superuser, "select count(*) from presences") == 0


@pytest.mark.parametrize(("minutes", "status"), [(-41, 409), (-40, 303), (-11, 303)])
def test_the_hosts_door_opens_half_an_hour_before_the_others(sign_in, enter, alice, charlie, supper, minutes, status):
    sign_in(alice).submit(f"/meetings/{supper.id}/room", link=LINK)
    assert enter(alice, minutes).status_code == status
    assert enter(charlie, minutes).status_code == 409
    with clock.at(supper.starts_at + minutes * MINUTE):
        assert (f'action="/meetings/{supper.id}/join"' in sign_in(alice).get(f"/meetings/{supper.id}").text) == (
            status == 303
        )


def test_the_host_comes_in_when_every_place_is_taken_or_asked_for(sign_in, enter, alice, supper, superuser):
    sign_in(alice).submit(f"/meetings/{supper.id}/room", link=LINK)
    superuser.execute("update meetings set requires_approval = true")
    assert enter(alice).status_code == 303
    superuser.execute("delete from meeting_attendances")
    superuser.execute("update meetings set requires_approval = false, max_attendees = 1, seats_taken = 1")
    assert enter(alice).status_code == 303


# --- pages with a door ---------------------------------------------------------------------------------------------------


def test_only_pages_with_a_door_let_forms_lead_to_any_https_address(sign_in, charlie, supper):
    his = sign_in(charlie)

    def policy(path):
        (only,) = his.get(path).headers.getlist("Content-Security-Policy")
        return only.partition("form-action ")[2].partition(";")[0].split()

    assert all(policy(path)[:2] == ["'self'", "https:"] for path in ("/meetings", f"/meetings/{supper.id}"))
    assert all("https:" not in policy(path) for path in ("/account", "/meetings/past", "/plans"))
    assert policy("/meetings")[2:] == policy("/account")[1:]
    with clock.at(supper.ends_at):
        assert "https:" not in policy(f"/meetings/{supper.id}")


# --- the next one --------------------------------------------------------------------------------------------------------


def next_of(sign_in, person, moment):
    with clock.at(moment):
        return sign_in(person).get("/next").location


def test_next_leads_to_the_open_door_then_to_what_follows_then_to_the_list(sign_in, charlie, superuser, people):
    first, second = plan(superuser, "First"), plan(superuser, "Second", days=2)
    assert next_of(sign_in, charlie, first.starts_at - 5 * HOUR) == f"/meetings/{first.id}"
    assert next_of(sign_in, charlie, first.starts_at + 5 * MINUTE) == f"/meetings/{first.id}"
    assert next_of(sign_in, charlie, first.ends_at) == f"/meetings/{second.id}"
    assert next_of(sign_in, charlie, second.ends_at) == "/meetings"


def test_next_prefers_the_open_door_of_a_yes_and_passes_what_was_declined_or_cancelled(
    sign_in, charlie, superuser, people
):
    from tests.support.reading import answers

    one_, other = plan(superuser, "One"), plan(superuser, "Other")
    answers(superuser, other.id, accepted=[charlie])
    assert next_of(sign_in, charlie, one_.starts_at) == f"/meetings/{other.id}"
    superuser.execute("update meeting_attendances set answer = 'declined'")
    assert next_of(sign_in, charlie, one_.starts_at) == f"/meetings/{one_.id}"
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'Ill.' where id = %s", [one_.id])
    assert next_of(sign_in, charlie, one_.starts_at) == "/meetings"


def test_next_wants_a_sign_in_and_comes_back(client, people):
    assert client.get("/next").location == "/sign-in?next=/next"
