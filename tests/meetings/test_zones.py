"""A meeting is shown at the hour it was planned for, in every zone, by the one zone database there is."""

import re
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from itertools import cycle
from zoneinfo import ZoneInfo

import pytest

from portal.config import ROOT
from portal.database import db
from portal.database.identity import WORKER, Role, act_as
from portal.meetings import actions, jobs
from portal.meetings.board import reading
from portal.operations import zones as compared
from portal.operations.check import CLOCKS, INSTANTS, ZONES_KNOWN, findings, notes
from portal.times import zones
from tests.support.cast import plan_meeting
from tests.support.reading import do, lives_in, words

YEAR = datetime.now(ZoneInfo("UTC")).year
DAYS = [date(YEAR + 1, 3, 15), date(YEAR + 1, 7, 15), date(YEAR + 1, 12, 15)]
SEVEN = actions.Plan("Letters", DAYS[0], time(19), "UTC")


def test_seven_in_the_evening_is_seven_in_every_zone(app, dora):
    """Vancouver was an hour early by the rules of PostgreSQL, and Casablanca, Edmonton, Winnipeg and Havana with it."""
    with app.app_context():
        act_as(db.session(), Role("portal_admin", dora.id))
        wanted = list(zip(zones(), cycle(DAYS), strict=False))  # each in one season: the whole year would take a minute
        for zone, day in wanted:
            actions.plan(db.session(), replace(SEVEN, scheduled_date=day, timezone=zone))
        kept = db.session.execute(jobs.WALL_TIMES, {"at": datetime.now(ZoneInfo("UTC"))}).all()
    shown = {(zone, there.date): there.time for _day, _hour, zone, at in kept for there in [reading(at, zone)]}
    assert shown == dict.fromkeys(wanted, "19:00")


@pytest.mark.parametrize("zone", ["America/Vancouver", "Africa/Casablanca", "America/Havana", "Europe/Berlin"])
def test_who_lives_there_reads_the_hour_that_was_planned(sign_in, superuser, charlie, zone):
    letters = plan_meeting(superuser, "Letters", scheduled_date=DAYS[2], start_time="19:00", timezone=zone)
    lives_in(superuser, charlie, zone)
    place = zone.partition("/")[2]
    assert f"19:00 {place}, your time" in words(sign_in(charlie).get(f"/meetings/{letters.id}"))


# --- portal check ----------------------------------------------------------------------------------------------------


@pytest.fixture
def found(worker_app):
    """`found(promise)`: what `portal check` says of it."""

    def look(promise):
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            return next(finding for finding in findings(db.session(), at_rest=True) if finding.promise == promise)

    return look


@pytest.fixture
def noted(worker_app):
    """`noted()`: what it says besides."""

    def look():
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            return " ".join(notes(db.session()))

    return look


def test_a_database_whose_clock_is_another_is_told(worker_app, superuser, people):
    superuser.execute("update club_clock set ahead = '1 minute'")
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        assert CLOCKS in [finding.promise for finding in findings(db.session()) if finding.broken]


def test_a_meeting_that_begins_at_another_moment_than_its_clock_shows_is_counted(found, worker_app, superuser, supper):
    superuser.execute("update meetings set starts_at = starts_at + interval '1 hour'")
    assert found(INSTANTS).broken == 1
    do(worker_app, jobs.follow_zones)
    assert found(INSTANTS).broken == 0


def test_a_zone_the_package_does_not_have_is_counted_and_named(found, noted, superuser, charlie):
    lives_in(superuser, charlie, "Europe/Atlantis")
    assert found(ZONES_KNOWN).broken == 1 and "does not have Europe/Atlantis" in noted()


@pytest.mark.parametrize("zone", ["America/Vancouver", "Africa/Casablanca", "Asia/Kathmandu"])
def test_where_postgresql_goes_by_other_rules_the_zone_is_named(noted, superuser, charlie, supper, zone):
    """Which zones these are depends on how old PostgreSQL's are. Nothing is broken: nothing is derived from them."""
    lives_in(superuser, charlie, zone)
    assert (f"PostgreSQL's own rules for {zone} are others" in noted()) == (zone in differing_zones(superuser))


def differing_zones(superuser):
    """Every zone in which PostgreSQL's clocks and ours show different hours within two years."""
    weeks = [datetime.now(ZoneInfo("UTC")) + timedelta(days=7 * n) for n in range(104)]
    query = "select array_agg(timezone(%s, at) order by at) from unnest(%s::timestamptz[]) at"
    return [
        zone
        for zone in zones()
        if superuser.execute(query, [zone, weeks]).fetchone()[0]
        != [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in weeks]
    ]


def test_every_zone_that_differs_and_no_other_would_be_named(worker_app, superuser):
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        named = compared.different(db.session(), list(zones()), datetime.now(ZoneInfo("UTC")))
    assert named == differing_zones(superuser)


def test_no_statement_asks_postgresql_for_the_hour_in_a_zone():
    """But the one that compares."""
    files = [file for kind in ("py", "sql") for file in (ROOT / "portal").rglob(f"*.{kind}")]
    asking = {
        file.name for file in files if re.search(r"(?i:at time zone (?!'utc'))|(?<!def )\btimezone\(", file.read_text())
    }
    assert asking == {"zones.py"}
