"""What a club says of itself and the rules it goes by: changed by an admin, at once true everywhere, and logged."""

from dataclasses import replace
from datetime import time, timedelta
from io import BytesIO

import pytest

from portal import club, create_app
from portal.attendance.jobs import know_domains
from portal.database import db
from portal.operations import doctor
from tests.promises.test_pages import lint
from tests.support.pictures import png
from tests.support.reading import do, one, plan, said_at, statements, words
from tests.support.web import Browser, settings_for


@pytest.fixture(autouse=True)
def begun(database, app, monkeypatch):
    """The first start was, and visitors' pages ask each time whether the club was changed."""
    monkeypatch.setattr(club, "PATIENCE", 0)
    with database.connect("portal_web", autocommit=True) as connection:
        club.first_start(connection, app.config["SETTINGS"])


@pytest.fixture
def form(desk) -> dict[str, str]:
    """The form as it is sent back unchanged."""
    return {
        "club_name": "Goalete",
        "help_email": "help@goalete.club",
        "club_timezone": "Europe/Istanbul",
        "default_meeting_time": "21:00",
        "doors_minutes": "10",
        "welcome_days": "7",
        "grace_days": "7",
        "seen": seen(desk),
    }


def seen(desk) -> str:
    """What the form says of when the club was changed last."""
    return desk.get("/admin/club").text.partition('name="seen" type="hidden" value="')[2].partition('"')[0]


@pytest.fixture
def second(migrated, database):
    """Another process that serves the same club."""
    app = create_app(settings_for(migrated))
    app.test_client_class = Browser
    yield app.test_client()
    with app.app_context():
        db.engine.dispose()


def test_what_an_admin_writes_is_on_the_front_page_of_every_process(desk, form, second):
    assert "Goalete meets online." in words(second.get("/"))
    form |= {"front_title": "Chess after supper", "front_text": "We *play*.\n\n- Openings\n- Endings"}
    assert desk.submit("/admin/club", **form).location == "/admin/club"
    page = second.get("/").text
    assert "<h1>Chess after supper</h1>" in page and "<em>play</em>" in page and "<li>Endings</li>" in page
    assert "Goalete: Chess after supper" in page.partition("<title>")[2].partition("</title>")[0]


def test_the_name_changes_in_the_heads_of_pages_that_were_drawn_already(desk, form, second):
    assert "<span>Goalete</span>" in second.get("/plans").text
    desk.submit("/admin/club", **{**form, "club_name": "Chess"})
    page = second.get("/plans").text
    assert "<span>Chess</span>" in page and "Plans, Chess" in page and "Goalete" not in page


def test_the_rules_hold_in_the_worker_too(desk, form, worker_app, superuser):
    desk.submit("/admin/club", **{**form, "club_domains": "club.example Aydin.club", "doors_minutes": "25"})
    do(worker_app, know_domains)
    assert superuser.execute("select domain from club_domains order by domain").fetchall() == [
        ("aydin.club",),
        ("club.example",),
    ]
    assert worker_app.config["SETTINGS"].doors_minutes == 25


def test_open_pages_of_what_begins_soon_are_told_of_other_doors(desk, form, superuser, connect):
    soon = plan(superuser, "Soon")
    superuser.execute("update club_clock set stands_at = %s", [soon.starts_at - timedelta(minutes=20)])
    superuser.execute("update sign_ins set proved_at = %s", [soon.starts_at])
    listening = connect("portal_web", autocommit=True)
    listening.execute("listen meetings")
    desk.submit("/admin/club", **{**form, "doors_minutes": "25"})
    assert [notice.payload for notice in listening.notifies(timeout=5, stop_after=1)] == [str(soon.id)]


def test_a_page_asks_one_statement_more_only_after_a_change(desk, form, sign_in, alice):
    browser = sign_in(alice)

    def asked() -> int:
        with statements() as sent:
            browser.get("/help")
        return len(sent)

    usual = asked()
    desk.submit("/admin/club", **{**form, "club_name": "Chess"})
    assert [asked(), asked()] == [usual + 1, usual]


def test_visitors_of_a_process_that_asks_nothing_see_it_within_seconds(desk, form, second, monkeypatch):
    second.get("/help")
    desk.submit("/admin/club", **{**form, "help_email": "ana@duarte.pt"})
    monkeypatch.setattr(club, "PATIENCE", 5)
    assert "help@goalete.club" in second.get("/help").text  # it asked just now
    second.application.extensions["club"].checked -= 5
    assert "ana@duarte.pt" in second.get("/help").text


def test_each_change_is_logged_with_what_was_before(desk, form, superuser):
    desk.submit("/admin/club", **{**form, "doors_minutes": "15", "default_meeting_time": "20:30"})
    logged = "select message, metadata from system_logs where operation = 'club.changed' order by message"
    rows = superuser.execute(logged).fetchall()
    assert [message for message, _details in rows] == [
        "Minutes the doors open before the start: 15; before: 10",
        "Usual hour: 20:30; before: 21:00",
    ]
    assert rows[0][1] == {"setting": "doors_minutes", "before": "10", "after": "15"}
    assert "changed the club: usual hour: 20:30; before: 21:00" in words(desk.get("/admin/log"))


def test_saving_what_stands_changes_nothing(desk, form, superuser):
    before = one(superuser, "select changed_at from club")
    desk.submit("/admin/club", **form)
    assert one(superuser, "select changed_at from club") == before
    assert one(superuser, "select count(*) from system_logs where operation = 'club.changed'") == 0


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("club_name", " ", "Enter the club’s name."),
        ("help_email", "nobody", "Enter an e-mail address with an @, like ana@duarte.pt"),
        (
            "club_domains",
            "a.com,b.com",
            "This must be domains separated by blanks, like aydin.club aydin.example; a.com,b.com is none.",
        ),
        ("club_timezone", "Mars/Olympus", "Choose a time zone from the list, so that every hour you see is right."),
        ("default_meeting_time", "25:00", "Enter an hour, like 21:00."),
        ("doors_minutes", "61", "Enter a number of minutes, 60 at most."),
        ("welcome_days", "-1", "Enter a number of days, 31 at most."),
        ("grace_days", "many", "Enter a number of days, 90 at most."),
        ("accent_light", "blue", "Enter a colour as a # and six digits from 0 to 9 and a to f, like #174ea6."),
        (
            "accent_light",
            "#8ab4ff",
            "Letters on this colour have a contrast of 2.0:1 on light pages; at least 4.5:1 is needed."
            " Choose a darker one.",
        ),
        ("front_text", "x" * 10_001, "Use at most 10,000 characters here."),
    ],
)
def test_what_is_wrong_is_told_at_its_field_and_what_was_typed_is_kept(desk, form, superuser, field, typed, sentence):
    answer = desk.submit("/admin/club", **{**form, "tax_words": "VAT included", field: typed})
    assert answer.status_code == 422 and said_at(answer, field) == sentence
    assert 'value="VAT included"' in answer.text and lint(answer.text) == []
    assert one(superuser, "select club_name || doors_minutes || tax_words from club") == "Goalete10"


def test_of_two_admins_at_once_the_second_is_told(desk, form, superuser):
    desk.submit("/admin/club", **{**form, "doors_minutes": "15"})
    answer = desk.submit("/admin/club", **{**form, "welcome_days": "3"})
    assert answer.status_code == 409 and "Somebody else changed the club’s words meanwhile" in words(answer)
    assert one(superuser, "select welcome_days from club") == 7
    now = answer.text.partition('name="seen" type="hidden" value="')[2].partition('"')[0]
    desk.submit("/admin/club", **{**form, "welcome_days": "3", "seen": now})
    assert one(superuser, "select welcome_days from club") == 3


def test_a_preview_saves_nothing(desk, form, superuser):
    answer = desk.submit("/admin/club", **form, front_title="Soon", front_text="**Really**", show="front")
    assert "<strong>Really</strong>" in answer.text and "Nothing is saved yet." in words(answer)
    assert lint(answer.text) == [] and one(superuser, "select front_title from club") == ""


def test_nothing_an_admin_writes_runs_or_loads_anything(desk, form, client):
    attack = "<script>x</script> ![](https://evil.example/x.png) [a](javascript:x) <img src=x onerror=y>"
    names = ("front_text", "privacy_text", "terms_text", "front_title", "tax_words")
    desk.submit("/admin/club", **form, **dict.fromkeys(names, attack[:119]))
    for path in ("/", "/privacy", "/terms", "/plans"):
        page = client.get(path).text
        assert lint(page) == [] and "<img" not in page and 'href="javascript' not in page, path


def test_privacy_terms_and_prices_have_the_clubs_own_words_below(desk, form, client):
    own = {"privacy_text": "We ask *nobody*.", "terms_text": "Be on time.", "tax_words": "VAT included"}
    desk.submit("/admin/club", **form, **own)
    assert "Of this club We ask nobody." in words(client.get("/privacy"))
    assert "Of this club Be on time." in words(client.get("/terms"))
    assert words(client.get("/plans")).count("VAT included") == words(client.get("/")).count("VAT included") == 2


def test_a_new_zone_is_for_meetings_made_from_then_on(desk, form, supper, superuser):
    desk.submit("/admin/club", **{**form, "club_timezone": "Asia/Tokyo"})
    assert 'selected value="Asia/Tokyo"' in desk.get("/admin/meetings/new").text
    stands = superuser.execute("select timezone, starts_at from meetings").fetchone()
    assert stands == ("Europe/Istanbul", supper.starts_at)


def test_the_accent_is_a_stylesheet_of_its_own(desk, form, client):
    assert "/club/accents/" not in client.get("/privacy").text
    desk.submit("/admin/club", **form, accent_light="#174EA6")
    assert '<link rel="stylesheet" href="/club/accents/174ea6-own.css">' in client.get("/privacy").text
    sheet = client.get("/club/accents/174ea6-own.css")
    assert sheet.text == ":root { --act: light-dark(#174ea6, #f0ede5); }\n"
    assert sheet.mimetype == "text/css" and "immutable" in sheet.headers["Cache-Control"]


@pytest.mark.parametrize(
    "name", ["8ab4ff-own", "own-171b33", "174ea6", "174EA6-own", "}-own", "red-own", "174ea6-own-own"]
)
def test_no_other_rules_come_out_of_it(client, name):
    assert client.get(f"/club/accents/{name}.css").status_code == 404


# --- the picture -----------------------------------------------------------------------------------------------------


def hang(desk, content, alt="People around a table"):
    """Send a picture as the form does."""
    data = {"csrf_token": desk.token(), "alt": alt, "picture": (BytesIO(content), "club.svg.png", "image/svg+xml")}
    return desk.post("/admin/club/picture", data=data, content_type="multipart/form-data")


def test_a_picture_is_on_the_front_page_and_kept_by_browsers_for_ever(desk, client, superuser):
    assert hang(desk, png(300, 200)).location == "/admin/club"
    digest = one(superuser, "select front_picture from club")
    assert (
        f'<img class="front-picture" src="/club/pictures/{digest}" alt="People around a table">' in client.get("/").text
    )
    picture = client.get(f"/club/pictures/{digest}")
    assert picture.mimetype == "image/png" and picture.data == png(300, 200)
    assert picture.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize("digest", ["0" * 64, "A" * 64, "%00" * 64, "..", "0" * 63, "٣" * 64])
def test_there_is_no_other(client, digest):
    assert client.get(f"/club/pictures/{digest}").status_code == 404


def test_another_takes_its_place_and_none_is_left_behind(desk, client, superuser):
    hang(desk, png(300, 200))
    first = one(superuser, "select front_picture from club")
    hang(desk, png(30, 20), "A garden")
    assert client.get(f"/club/pictures/{first}").status_code == 404
    assert superuser.execute("select width, height from club_pictures").fetchall() == [(30, 20)]
    desk.submit("/admin/club/picture/removal")
    assert superuser.execute("select 1 from club_pictures").fetchall() == [] and "<img" not in client.get("/").text


def test_its_words_can_be_changed_alone(desk, client, superuser):
    hang(desk, png(300, 200))
    hang(desk, b"", "Two people")
    assert 'alt="Two people"' in client.get("/").text


@pytest.mark.parametrize(
    ("content", "alt", "field", "sentence"),
    [
        (
            b"<svg><script>x</script></svg>",
            "A",
            "picture",
            "This is not a picture we can show: choose a PNG, JPEG or WebP file.",
        ),
        (b"", "A", "picture", "Choose a file."),
        (
            png(9, 9) + b"\0" * 500_000,
            "A",
            "picture",
            "The picture has more than 500 kB. Make it smaller, or choose a stronger compression.",
        ),
        (png(10, 10), " ", "alt", "Say what the picture shows, for those who do not see it."),
    ],
)
def test_what_is_no_picture_is_refused_at_its_field(desk, superuser, content, alt, field, sentence):
    answer = hang(desk, content, alt)
    assert answer.status_code == 422 and said_at(answer, field) == sentence and lint(answer.text) == []
    assert superuser.execute("select 1 from club_pictures").fetchall() == []


def test_only_admins_may_send_so_much(sign_in, charlie, desk):
    assert hang(sign_in(charlie), b"x" * 400_000).status_code in (404, 413)
    assert hang(desk, b"x" * 900_000).status_code == 413


# --- the first start, and after --------------------------------------------------------------------------------------


def test_after_the_first_start_the_environment_changes_nothing(database, app, superuser):
    other = replace(app.config["SETTINGS"], club_name="Another", default_meeting_time=time(7, 30))
    with database.connect("portal_worker", autocommit=True) as connection:
        club.first_start(connection, other)
    assert superuser.execute("select club_name, default_meeting_time from club").fetchall() == [("Goalete", time(21))]


def test_the_doctor_names_what_differs_once(database, app, monkeypatch):
    monkeypatch.setenv("CLUB_NAME", "Another")
    other = replace(app.config["SETTINGS"], club_name="Another", doors_minutes=3)  # nobody set DOORS_MINUTES
    with database.connect("portal_web") as connection:
        findings = list(doctor._club(connection, other))
    assert [finding.words for finding in findings] == [
        "CLUB_NAME is Another in the environment; what holds is Goalete, as /admin/club has it."
    ]
