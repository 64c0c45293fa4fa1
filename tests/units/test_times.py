"""Words for time, and the hour a wall clock shows in every zone there is."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from portal import clock, times

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


@pytest.mark.parametrize(("reader", "club", "words"), [
    ("Europe/Berlin", "Europe/Istanbul", "Times are yours, in Berlin. Istanbul is two hours ahead."),
    ("Asia/Tokyo", "Europe/Istanbul", "Times are yours, in Tokyo. Istanbul is six hours behind."),
    ("Europe/London", "Europe/Paris", "Times are yours, in London. Paris is one hour ahead."),
    ("Asia/Kathmandu", "UTC", "Times are yours, in Kathmandu. UTC is five hours and 45 minutes behind."),
    ("Australia/Lord_Howe", "Australia/Sydney", "Times are yours, in Lord Howe. Sydney keeps the same time."),
    ("Australia/Adelaide", "Australia/Darwin", "Times are yours, in Adelaide. Darwin is one hour behind."),
    ("Asia/Kolkata", "Asia/Karachi", "Times are yours, in Kolkata. Karachi is 30 minutes behind."),
    ("Europe/Istanbul", "Europe/Istanbul", "Times are in Istanbul, the club's own zone."),
    ("Pacific/Kiritimati", "Pacific/Niue", "Times are yours, in Kiritimati. Niue is 25 hours behind."),
])  # fmt: skip
def test_where_the_times_of_a_page_are(reader, club, words):
    assert times.zone_line(reader, club, NOW) == words


def test_the_distance_is_that_of_the_day():
    july = datetime(2026, 7, 1, 12, 0, tzinfo=UTC)
    assert "one hour ahead" in times.zone_line("Europe/Berlin", "Europe/Istanbul", july)


@pytest.mark.parametrize(("days", "told"), [(2, "."), (5, ", and from Sunday 4 April on it is nine hours behind.")])
def test_a_list_that_goes_over_a_change_of_clocks_says_so(days, told):
    now = datetime(2027, 3, 31, 8, 0, tzinfo=UTC)
    line = times.zone_line("Pacific/Auckland", "Europe/Istanbul", now, now + timedelta(days=days))
    assert plain(line) == f"Times are yours, in Auckland. Istanbul is ten hours behind{told}"


@pytest.mark.parametrize("evening", [datetime(2026, 3, 26, 22, 30, tzinfo=UTC), datetime(2026, 3, 28, 23, 30, tzinfo=UTC)])
def test_the_day_of_the_change_is_the_readers(evening):
    line = times.zone_line("Europe/Berlin", "Europe/Istanbul", evening, evening + timedelta(days=7))
    assert plain(line).endswith("two hours ahead, and from Sunday 29 March on it is one hour ahead.")


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


@pytest.mark.parametrize(("words", "kept"), [
    (times.day_long, "Tuesday 3_November"), (times.day_short, "Tue_3"), (times.day_medium, "Tue_3_Nov"),
    (times.date_with_year, "3_Nov_2026"), (times.date_in_words, "3_November 2026"),
    (lambda day: times.span(day, day), "3_November"),
    (lambda day: times.span(day, date(2026, 11, 9)), "3 to 9_November"),
    (lambda day: times.span(day, date(2026, 12, 6)), "3_November to 6_December"),
])  # fmt: skip
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


@pytest.mark.parametrize(("before", "words"), [
    (timedelta(0), "a minute ago"), (timedelta(minutes=-5), "a minute ago"), (timedelta(minutes=14), "14 minutes ago"),
    (timedelta(hours=3), "3 hours ago"), (timedelta(days=5), "5 days ago"),
])  # fmt: skip
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


def shifts(zone, year):
    """The local days on which the clocks of a zone change."""
    place, day = ZoneInfo(zone), datetime(year, 1, 1, 12, tzinfo=UTC)
    for _ in range(365):
        after = day + timedelta(days=1)
        if day.astimezone(place).utcoffset() != after.astimezone(place).utcoffset():
            yield from {(day + timedelta(days=n)).astimezone(place).date() for n in (0, 1)}
        day = after


SKIPPED_IS_NULL = """
create or replace function pg_temp.instant(day date, wall time, zone text) returns timestamptz language plpgsql as $$
begin
  return local_instant(day, wall, zone);
exception when check_violation then
  return null;
end $$
"""
HALF_HOURS = [time(hour, minute) for hour in (0, 1, 2, 3, 12, 23) for minute in (0, 15, 30)]


def each(superuser, asked, expression, types):
    """`expression` of the columns a, b, c for every row asked, in one question."""
    columns = [list(column) for column in zip(*asked, strict=True)]
    names = ", ".join("abc"[: len(columns)])
    arrays = ", ".join(f"%s::{kind}[]" for kind in types)
    query = f"select {expression} from unnest({arrays}) with ordinality as t ({names}, n) order by n"
    return [row[0] for row in superuser.execute(query.encode(), columns)]


def with_the_same_rules(superuser, days):
    """The zones of which the database knows what we know: governments decide late, and it may be older."""
    asked = [
        (zone, datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hour))
        for zone, days_of_it in days.items() for day in days_of_it for hour in range(-24, 48)
    ]  # fmt: skip
    theirs = each(superuser, asked, "timezone(a, b)", ("text", "timestamptz"))
    ours = [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for zone, moment in asked]
    return set(days) - {ask[0] for ask, one, other in zip(asked, ours, theirs, strict=True) if one != other}


def test_every_zone_agrees_with_the_database_on_both_shifts(superuser):
    days = {zone: [*shifts(zone, 2026), date(2026, 6, 15)] for zone in times.zones()}
    zones = with_the_same_rules(superuser, days)
    asked = [(zone, day, wall) for zone in sorted(zones) for day in days[zone] for wall in HALF_HOURS]
    superuser.execute(SKIPPED_IS_NULL)
    theirs = each(superuser, asked, "pg_temp.instant(b, c, a)", ("text", "date", "time"))
    differ = [ask for ask, their in zip(asked, theirs, strict=True) if times.instant(ask[1], ask[2], ask[0]) != their]
    assert differ == []
    assert len(asked) > 10_000 and len(days) - len(zones) < 12


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
