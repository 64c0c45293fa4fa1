"""What anybody may read: the front page with the next evening, and three pages of words."""

import html
import re
from datetime import timedelta

import pytest

from portal.clock import at
from portal.public.views import FOR_EVERYBODY
from tests.support.cast import ISTANBUL
from tests.support.reading import invite, link, plain, plan, programme, rows, statements, words

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def tonight(superuser, database):
    """The next evening, two days from now."""
    return plan(superuser, "Tonight", days=2, max_attendees=2, host_name="Ingrid Moen")


def front(client, moment):
    with at(moment):
        return client.get("/")


def test_the_front_page_shows_the_next_evening_in_the_clubs_time(client, tonight):
    text = words(front(client, tonight.starts_at - 5 * HOUR))
    assert "Tonight, " in text and "With Ingrid Moen. 60 minutes on Google Meet." in text and "21:00 Istanbul" in text
    assert "Starts in 5 h" in text and "said yes" not in text


@pytest.mark.parametrize(("minutes", "said"), [(-10, "Doors are open"), (0, "Live now")])
def test_its_phase_is_the_clocks(client, tonight, minutes, said):
    assert said in words(front(client, tonight.starts_at + minutes * MINUTE))


def test_how_many_come_is_a_number_without_names(client, superuser, alice, bob, tonight):
    invite(superuser, alice, tonight, answer="accepted")
    assert "1 person has said yes." in words(front(client, tonight.starts_at - HOUR))
    invite(superuser, bob, tonight, answer="accepted")
    answer = front(client, tonight.starts_at - HOUR)
    assert "2 people have said yes." in words(answer) and "Alice" not in answer.text


def test_the_week_follows_with_what_a_visitor_may_know(client, superuser, charlie, tonight):
    full = plan(superuser, "Full", days=3, max_attendees=1)
    invite(superuser, charlie, full, answer="accepted")
    superuser.execute("update meetings set waiting_count = 2 where title = 'Full'")
    plan(superuser, "Secret", days=3, is_private=True)
    plan(superuser, "Off", days=3, status="cancelled", cancellation_reason="Ill.")
    answer = front(client, tonight.starts_at - HOUR)
    assert "60 min, full, 2 waiting" in next(row for row in rows(answer, "li") if "Full" in row)
    assert "Secret" not in answer.text and "Off" not in answer.text


def test_seven_days_are_listed_with_hours_and_links(client, superuser, now):
    programme(superuser, 12)
    answer = front(client, now)
    assert [f"Evening {n}" in answer.text for n in (1, 6, 9)] == [True, True, False]
    days = re.findall(r'<h3 id="week-\d+">(.*?)</h3>', answer.text)
    assert 6 <= len(days) <= 7 and re.fullmatch(r"[A-Z]\w+day \d+\s[A-Z]\w+", html.unescape(days[0]))
    assert link(answer, "Evening 2").startswith("/meetings/") and "21:00" in rows(answer, "li")[-1]


def test_each_hour_keeps_room_for_the_visitors_own(client, tonight):
    text = front(client, tonight.starts_at - HOUR).text
    assert text.count(f'data-own="{tonight.starts_at.astimezone(ISTANBUL).isoformat(timespec="seconds")}"') == 3
    assert "21:00 Istanbul, club time" in plain(text)


def test_a_club_without_a_programme_has_a_front_page(client, now):
    assert "The next seven days" not in words(front(client, now)) and "Plans" in words(front(client, now))


def test_the_free_days_are_on_it(client, now):
    text = words(front(client, now))
    assert "The first seven days are free, and no card is asked for." in text and "Try it free for seven days" in text


def test_plans_and_prices_are_there(client, now):
    text = words(front(client, now))
    assert "$12.00 a month or $120.00 a year" in text and "$24.00 a month or $240.00 a year" in text


def test_an_evening_goes_by_the_clubs_own_hour(client, now):
    text = words(front(client, now))
    assert "20:50 Doors" in text and "21:00 The meeting" in text


def test_a_club_that_wrote_nothing_has_words_true_for_any(client, now):
    text = words(front(client, now))
    assert "Goalete meets online. Say yes to a meeting" in text and "The usual hour is 21:00, Istanbul time." in text


def test_members_go_straight_to_their_evenings(sign_in, charlie):
    assert sign_in(charlie).get("/").location == "/meetings"


def test_the_front_page_costs_who_asks_and_one_statement(app, client, superuser):
    programme(superuser, 12)
    with statements() as sent:
        client.get("/")
    assert len(sent) <= 2


@pytest.mark.parametrize(
    ("path", "heading"), [("/privacy", "What we keep, and why"), ("/terms", "Terms"), ("/help", "Help")]
)
def test_pages_of_words_are_open_to_everybody(client, sign_in, charlie, path, heading):
    for browser in (client, sign_in(charlie)):
        assert words(browser.get(path), "h1") == heading


def test_search_engines_are_told_what_is_not_for_them(client):
    answer = client.get("/robots.txt")
    assert answer.mimetype == "text/plain" and "Disallow: /meetings" in answer.text and "/admin" not in answer.text


def test_search_engines_find_every_front_page(client, database):
    robots, answer = client.get("/robots.txt").text, client.get("/sitemap.xml")
    assert answer.mimetype == "application/xml" and "Sitemap: https://localhost/sitemap.xml" in robots
    pages = re.findall(r"<loc>https://localhost(/.*?)</loc>", answer.text)
    assert pages == list(FOR_EVERYBODY) and all(client.get(path).status_code == 200 for path in pages)


def test_a_phone_finds_icon_colour_and_manifest(client, now):
    page, told = front(client, now).text, client.get("/manifest.webmanifest")
    icons = [re.search(r'rel="apple-touch-icon" href="(.*?)"', page)[1], *(icon["src"] for icon in told.json["icons"])]
    assert [client.get(icon).mimetype for icon in icons] == ["image/png"] * 3
    assert told.mimetype == "application/manifest+json" and (told.json["name"], told.json["start_url"]) == (
        "Goalete",
        "/next",
    )
    assert page.count('name="theme-color"') == 2 and 'rel="manifest" href="/manifest.webmanifest"' in page


@pytest.mark.parametrize("path", ["/", "/help", "/privacy", "/terms"])
def test_who_is_sent_a_page_sees_what_it_is(client, database, path):
    text = client.get(path).text
    assert f'property="og:url" content="https://localhost{path}"' in text
    assert re.search(r'property="og:title" content="[^"]*Goalete', text) and 'property="og:image"' in text


def test_the_old_name_of_the_icon_leads_to_it(client):
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302 and client.get(answer.location).mimetype == "image/svg+xml"
    assert (
        answer.headers["Cache-Control"] == client.get("/robots.txt").headers["Cache-Control"] == "public, max-age=86400"
    )


def test_machines_find_whom_to_tell_of_a_hole_and_where_a_password_is_changed(client, now):
    text = client.get("/.well-known/security.txt").text
    assert text.startswith("Contact: mailto:") and "\nExpires: 20" in text
    assert client.get("/.well-known/change-password").location == "/account#new-password"


@pytest.mark.parametrize("path", ["/", "/help", "/privacy", "/terms", "/plans", "/sign-in", "/sign-up"])
def test_search_engines_are_told_what_a_page_is_about(path, client, database):
    said = client.get(path).text.partition('<meta name="description" content="')[2].partition('"')[0]
    assert 30 < len(said) < 160
