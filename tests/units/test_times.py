"""Words for time, and the hour a wall clock shows in every zone there is."""

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from zoneinfo import ZoneInfo

import pytest

from portal import clock, times
from portal.config import ROOT

BERLIN = ZoneInfo("Europe/Berlin")
KEPT = "\N{NO-BREAK SPACE}"


def plain(words):
    """Words as they read: a no-break space is a space."""
    return words.replace(KEPT, " ")


NOW = datetime(2026, 11, 23, 17, 14, tzinfo=BERLIN)  # a Monday


def test_the_clock_can_be_set_and_goes_on_after():
    with clock.at(NOW):
        assert clock.now() == NOW
        with clock.at(NOW + timedelta(days=1)):
            assert clock.now().day == 24
        assert clock.now() == NOW
    assert abs(clock.now() - datetime.now(UTC)) < timedelta(seconds=5)


@pytest.mark.parametrize(
    ("later", "words"),
    [
        (timedelta(0), "any moment now"),
        (timedelta(seconds=1), "any moment now"),
        (timedelta(minutes=-30), "any moment now"),
        (timedelta(seconds=61), "2 min"),
        (timedelta(minutes=59), "59 min"),
        (timedelta(minutes=59, seconds=1), "1 h"),
        (timedelta(hours=1, minutes=46), "1 h 46 min"),
        (timedelta(hours=6, minutes=45), "6 h 45 min"),
        (timedelta(hours=11), "11 h"),
        (timedelta(hours=13), "tomorrow"),
        (timedelta(hours=30), "tomorrow"),
        (timedelta(days=2), "Wednesday"),
        (timedelta(days=6), "Sunday"),
        (timedelta(days=7), "30 November"),
        (timedelta(days=40), "2 January"),
    ],
)
def test_how_soon_something_starts(later, words):
    assert plain(times.starts_in(NOW + later, NOW)) == words


def test_how_soon_is_told_in_the_readers_own_days():
    start = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
    assert times.starts_in(start, NOW) == "Wednesday"
    assert times.starts_in(start, NOW.astimezone(ZoneInfo("America/Los_Angeles"))) == "tomorrow"


@pytest.mark.parametrize(
    ("viewer", "club", "words"),
    [
        ("Europe/Berlin", "Europe/Istanbul", "Times are yours, in Berlin. Istanbul is two hours ahead."),
        ("Asia/Tokyo", "Europe/Istanbul", "Times are yours, in Tokyo. Istanbul is six hours behind."),
        ("Europe/London", "Europe/Paris", "Times are yours, in London. Paris is one hour ahead."),
        ("Asia/Kathmandu", "UTC", "Times are yours, in Kathmandu. UTC is five hours and 45 minutes behind."),
        ("Australia/Lord_Howe", "Australia/Sydney", "Times are yours, in Lord Howe. Sydney keeps the same time."),
        ("Australia/Adelaide", "Australia/Darwin", "Times are yours, in Adelaide. Darwin is one hour behind."),
        ("Asia/Kolkata", "Asia/Karachi", "Times are yours, in Kolkata. Karachi is 30 minutes behind."),
        ("Europe/Istanbul", "Europe/Istanbul", "Times are in Istanbul, the club’s own zone."),
        ("Pacific/Kiritimati", "Pacific/Niue", "Times are yours, in Kiritimati. Niue is 25 hours behind."),
    ],
)
def test_where_the_times_of_a_page_are(viewer, club, words):
    assert times.zone_line(viewer, club, NOW) == words


def test_the_distance_is_that_of_the_day():
    july = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert "one hour ahead" in times.zone_line("Europe/Berlin", "Europe/Istanbul", july)


@pytest.mark.parametrize(("days", "told"), [(2, "."), (5, ". From Sunday 4 April on it is nine hours behind.")])
def test_a_list_that_goes_over_a_change_of_clocks_says_so(days, told):
    now = datetime(2027, 3, 31, 8, 0, tzinfo=UTC)
    line = times.zone_line("Pacific/Auckland", "Europe/Istanbul", now, now + timedelta(days=days))
    assert plain(line) == f"Times are yours, in Auckland. Istanbul is ten hours behind{told}"


@pytest.mark.parametrize(
    "evening", [datetime(2026, 3, 26, 22, 30, tzinfo=UTC), datetime(2026, 3, 28, 23, 30, tzinfo=UTC)]
)
def test_the_day_of_the_change_is_the_readers(evening):
    line = times.zone_line("Europe/Berlin", "Europe/Istanbul", evening, evening + timedelta(days=7))
    assert plain(line).endswith("two hours ahead. From Sunday 29 March on it is one hour ahead.")


@pytest.mark.parametrize(
    ("n", "word"),
    [
        (1, "first"),
        (2, "second"),
        (3, "third"),
        (10, "tenth"),
        (11, "11th"),
        (12, "12th"),
        (13, "13th"),
        (21, "21st"),
        (22, "22nd"),
        (23, "23rd"),
        (24, "24th"),
        (101, "101st"),
        (111, "111th"),
        (112, "112th"),
        (1003, "1003rd"),
    ],
)
def test_ordinals(n, word):
    assert times.ordinal(n) == word


def test_small_numbers_are_words():
    assert [times.number(n) for n in (0, 1, 12, 13, 1234)] == ["no", "one", "twelve", "13", "1,234"]


@pytest.mark.parametrize(
    ("words", "kept"),
    [
        (times.day_long, "Tuesday 3_November"),
        (times.day_short, "Tue_3"),
        (times.day_medium, "Tue_3_Nov"),
        (times.date_with_year, "3_Nov_2026"),
        (times.date_in_words, "3_November 2026"),
        (lambda day: times.span(day, day), "3_November"),
        (lambda day: times.span(day, date(2026, 11, 9)), "3 to 9_November"),
        (lambda day: times.span(day, date(2026, 12, 6)), "3_November to 6_December"),
    ],
)
def test_no_line_breaks_between_a_day_and_its_month(words, kept):
    assert words(date(2026, 11, 3)) == kept.replace("_", KEPT)


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(hours=2), "today at 15:14"),
        (timedelta(hours=20), "yesterday at 21:14"),
        (timedelta(days=3), "on Friday at 17:14"),
        (timedelta(days=20), "on 3 November"),
        (timedelta(days=400), "on 19 October 2025"),
    ],
)
def test_since_when(before, words):
    assert plain(times.since((NOW - before).astimezone(UTC), NOW)) == words


@pytest.mark.parametrize(
    ("before", "words"),
    [
        (timedelta(0), "a minute ago"),
        (timedelta(minutes=-5), "a minute ago"),
        (timedelta(minutes=14), "14 minutes ago"),
        (timedelta(hours=3), "3 hours ago"),
        (timedelta(days=5), "5 days ago"),
    ],
)
def test_how_long_ago(before, words):
    assert times.ago(NOW - before, NOW) == words


# --- wall clocks -----------------------------------------------------------------------------------------------------


def test_an_hour_the_clocks_skip_does_not_exist():
    spring = date(2026, 3, 29)
    assert times.instant(spring, time(2, 30), "Europe/Berlin") is None
    assert times.next_wall_time(spring, time(2, 30), "Europe/Berlin") == time(3, 30)
    assert times.instant(spring, time(3, 0), "Europe/Berlin") == datetime(2026, 3, 29, 1, 0, tzinfo=UTC)


def test_an_hour_the_clocks_show_twice_is_the_first():
    assert times.instant(date(2026, 10, 25), time(2, 30), "Europe/Berlin") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_a_day_an_island_skipped_does_not_exist():
    assert times.instant(date(2011, 12, 30), time(12, 0), "Pacific/Apia") is None


NEXT_YEAR = datetime(datetime.now(UTC).year + 1, 1, 1, tzinfo=UTC)
INSTANTS = [NEXT_YEAR + timedelta(days=30.4375 * month + 0.3) for month in range(-12, 12)]
"""One in each month of this year and the next."""


@pytest.fixture
def package():
    """`package(zone)`: the pinned package's own file of a zone, read past every setting and cache."""

    def read(zone):
        with resources.files("tzdata").joinpath("zoneinfo", *zone.split("/")).open("rb") as file:
            return ZoneInfo.from_file(file)

    return read


@pytest.mark.parametrize("zone", times.zones())
def test_clocks_show_in_every_zone_what_the_package_says(package, zone):
    shown = [moment.astimezone(times.Viewer(zone).tz).replace(tzinfo=None) for moment in INSTANTS]
    assert shown == [moment.astimezone(package(zone)).replace(tzinfo=None) for moment in INSTANTS]
    assert [
        times.moment_of(wall.date(), wall.time(), zone).astimezone(package(zone)).replace(tzinfo=None) for wall in shown
    ] == shown


def test_the_machines_zones_are_never_read(tmp_path):
    """A machine that takes Berlin for London: the portal does not look."""
    (tmp_path / "Europe").mkdir()
    london = resources.files("tzdata").joinpath("zoneinfo", "Europe", "London").read_bytes()
    (tmp_path / "Europe" / "Berlin").write_bytes(london)
    ask = "from portal import times; from datetime import *; print(times.instant(date(2026, 12, 1), time(21), 'Europe/Berlin'))"
    told = subprocess.run(
        [sys.executable, "-c", ask], env={"PYTHONTZPATH": str(tmp_path)}, capture_output=True, text=True, cwd=ROOT
    )
    assert told.stdout == "2026-12-01 20:00:00+00:00\n"


def test_spans_are_the_offsets_of_a_zone_in_order():
    begins, until = datetime(2027, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
    spring, autumn = datetime(2027, 3, 28, 1, tzinfo=UTC), datetime(2027, 10, 31, 1, tzinfo=UTC)
    winter, summer = timedelta(hours=1), timedelta(hours=2)
    berlin = [(begins, spring, winter), (spring, autumn, summer), (autumn, until, winter)]
    assert list(times.spans("Europe/Berlin", begins, until)) == [
        times.Span("Europe/Berlin", o, b, u) for b, u, o in berlin
    ]
    assert [span.offset for span in times.spans("Asia/Kathmandu", begins, until)] == [timedelta(hours=5, minutes=45)]


# --- zones -----------------------------------------------------------------------------------------------------------


def test_the_zones_to_choose_from_are_places():
    zones = times.zones()
    assert {"Europe/Berlin", "America/Argentina/Buenos_Aires", "Asia/Kathmandu", "UTC"} <= set(zones) and len(
        zones
    ) > 300
    assert not {"EST5EDT", "Etc/GMT+5", "posixrules", "US/Eastern", "GMT", "localtime"} & set(zones)


def test_a_choice_shows_the_place_its_country_and_its_time():
    choices = times.zone_choices(NOW)
    assert list(choices)[:3] == ["", "Africa", "America"] and choices[""] == [("UTC", "UTC (now 16:14)")]
    assert ("Europe/Berlin", "Berlin, Germany (now 17:14)") in choices["Europe"]
    assert ("America/Argentina/Buenos_Aires", "Buenos Aires, Argentina (now 13:14)") in choices["America"]
    assert ("America/Indiana/Knox", "Knox, Indiana, United States (now 10:14)") in choices["America"]
    assert ("Asia/Singapore", "Singapore (now 00:14)") in choices["Asia"]


def test_no_place_is_offered_twice_and_its_older_names_still_count():
    offered = [zone for region in times.zone_choices(NOW).values() for zone, _label in region]
    assert len(offered) == len(set(offered)) and "Asia/Calcutta" not in offered
    assert times.older_names()["Asia/Kolkata"] == ("Asia/Calcutta",)
    assert {times.listed_name(zone) for zone in times.zones()} == set(offered)
