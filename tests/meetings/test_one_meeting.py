"""The page of one meeting: when, what, my answer, the places, who is here."""

from datetime import timedelta
from uuid import uuid4

import pytest

from portal.clock import at
from tests.support.reading import invite, link, lives_in, plan, words

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def look(sign_in, charlie):
    """`look(meeting, moment)`: its page as Charlie sees it then."""
    browser = sign_in(charlie)

    def see(meeting, moment=None):
        with at(moment or meeting.starts_at - 5 * HOUR):
            return browser.get(f"/meetings/{meeting.id}")

    return see


@pytest.fixture
def tonight(superuser, database):
    """Two days from now, so that no midnight of today is near."""
    return plan(superuser, "Tonight", days=2, max_attendees=2, host_name="Ingrid Moen")


def test_the_page_says_when_where_and_with_whom(look, tonight):
    text = words(look(tonight))
    assert words(look(tonight), "h1") == "Tonight"
    assert "With Ingrid Moen. 60 minutes on Google Meet." in text and "21:00 Istanbul" in text


def test_both_clocks_are_named_when_they_differ(look, superuser, charlie, tonight):
    lives_in(superuser, charlie, "Asia/Tokyo")
    text = words(look(tonight))
    night = tonight.starts_at + 6 * HOUR
    assert "03:00 Tokyo, your time" in text and "21:00 Istanbul, club time" in text
    assert f"Your time, Tokyo {night:%a} {night.day} {night:%b}, 03:00 to 04:00" in text
    assert (
        f"Club time, Istanbul {tonight.starts_at:%a} {tonight.starts_at.day} {tonight.starts_at:%b}, 21:00 to 22:00"
        in text
    )


@pytest.mark.parametrize(
    ("after", "phase", "said"),
    [
        (-11 * MINUTE, "ahead", "Opens 20:50"),
        (-10 * MINUTE, "doors", "Doors are open Since 20:50"),
        (-10 * MINUTE, "doors", "Nobody is here yet"),
        (0 * MINUTE, "live", "Live now Started a minute ago"),
        (14 * MINUTE, "live", "14 of 60 minutes"),
        (60 * MINUTE, "over", "Over"),
    ],
)
def test_the_phase_is_the_clocks(look, tonight, after, phase, said):
    answer = look(tonight, tonight.starts_at + after)
    assert f'data-phase="{phase}"' in answer.text and said in words(answer)


def test_what_nobody_could_see_says_so(look, superuser, charlie, tonight):
    invite(superuser, charlie, tonight, answer="accepted")
    superuser.execute("update meetings set status = 'completed', attendance_record = 'not_recorded'")
    text = words(look(tonight, tonight.ends_at + HOUR), "body")
    assert "Who came was not recorded." in text and "Not recorded" in text and "did not come" not in text


def test_a_completed_meeting_is_over_even_before_its_hour_ends(look, superuser, tonight):
    superuser.execute("update meetings set status = 'completed'")
    assert 'data-phase="over"' in look(tonight, tonight.starts_at + MINUTE).text


def test_a_cancelled_meeting_is_struck_and_says_why(look, superuser, charlie, tonight):
    invite(superuser, charlie, tonight, answer="accepted")
    superuser.execute("update meetings set status = 'cancelled', cancellation_reason = 'The host is ill.'")
    answer = look(tonight)
    assert '<h1 class="gone"><bdi>Tonight' in answer.text
    assert "The host is ill." in words(answer) and 'name="answer"' not in answer.text
    assert link(answer, "Download for my calendar") is None


def test_a_meeting_without_limit_has_room_for_all(look, quiet):
    assert "There is room for everybody." in words(look(quiet))


def test_places_are_counted_in_words(look, superuser, alice, tonight):
    invite(superuser, alice, tonight, answer="accepted")
    assert "1 of 2 places taken." in words(look(tonight))


def test_a_private_meeting_is_nowhere_until_one_is_invited(look, superuser, charlie, secret):
    assert look(secret).status_code == 404
    invite(superuser, charlie, secret)
    assert look(secret).status_code == 200


def test_what_is_not_there_and_what_is_not_yours_look_the_same(look, sign_in, charlie, secret):
    browser = sign_in(charlie)
    there, nowhere = browser.get(f"/meetings/{secret.id}"), browser.get(f"/meetings/{uuid4()}")
    assert there.status_code == nowhere.status_code == 404 and words(there)[:-10] == words(nowhere)[:-10]


@pytest.mark.parametrize("path", ["", ".ics", "/mine", "/live"])
def test_every_address_of_a_private_meeting_is_nowhere(sign_in, charlie, secret, path):
    assert sign_in(charlie).get(f"/meetings/{secret.id}{path}").status_code == 404


@pytest.mark.parametrize("path", ["/answer", "/join", "/leave"])
def test_every_button_of_a_private_meeting_is_nowhere(sign_in, charlie, secret, path):
    assert sign_in(charlie).submit(f"/meetings/{secret.id}{path}", answer="accepted").status_code == 404


def test_without_access_the_page_shows_the_meeting_and_no_button(sign_in, eve, tonight):
    with at(tonight.starts_at + MINUTE):
        answer = sign_in(eve).get(f"/meetings/{tonight.id}")
    assert "You can see what is on. To take a place you need a plan." in words(answer)
    assert "/join" not in answer.text and 'name="answer"' not in answer.text


def test_what_a_stream_needs_is_there_only_while_something_can_change(look, tonight):
    assert "/live/meetings?token=" in look(tonight).text
    assert (
        "/live" not in words(look(tonight, tonight.ends_at), "main")
        and "token=" not in look(tonight, tonight.ends_at).text
    )


def test_the_page_about_to_change_asks_for_itself_again(look, tonight):
    assert f'data-hx-get="/meetings/{tonight.id}/live"' in look(tonight).text
    assert f'data-hx-get="/meetings/{tonight.id}/live"' not in look(tonight, tonight.ends_at).text


def test_an_admin_sees_a_private_meeting_and_answers_only_where_invited(sign_in, superuser, dora, secret):
    browser = sign_in(dora)
    with at(secret.starts_at):
        answer = browser.get(f"/meetings/{secret.id}")
        assert "Only people who are invited can answer." in words(answer)
        assert 'name="answer"' not in answer.text and "/join" not in answer.text
        assert browser.submit(f"/meetings/{secret.id}/answer", answer="accepted").status_code == 409
        invite(superuser, dora, secret)
        assert "/join" in browser.get(f"/meetings/{secret.id}").text
