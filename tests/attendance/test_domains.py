"""Who is external, decided when they are invited; and where people come from, by domain."""

import re
from dataclasses import replace

import pytest

from portal.attendance import jobs
from portal.attendance.models import KNOWN
from portal.config import Settings
from portal.problems import Problem
from tests.support.cast import crowd
from tests.support.reading import answers, do, one, plain, plan, words

EXTERNAL = "select is_external_domain from meeting_attendances where user_id = %s"


@pytest.fixture
def known(app, worker_app, people, monkeypatch):
    """`known("club.example")`: the setting, and the database's copy of it."""

    def set_to(*domains):
        for each in (app, worker_app):
            monkeypatch.setitem(each.config, "SETTINGS", replace(each.config["SETTINGS"], club_domains=domains))
        do(worker_app, jobs.know_domains)

    return set_to


def moves(postgres, person, address):
    postgres.execute("update users set email = %s where id = %s", [address, person.id])


def test_who_has_an_address_of_another_domain_is_external(known, as_, superuser, supper, alice, bob):
    known("club.example", "other.example")
    moves(superuser, bob, "bob@gmail.com")
    for person in (alice, bob):
        with as_(person) as db:
            db.execute("select rsvp(%s, 'accepted')", [supper.id])
    assert (one(superuser, EXTERNAL, alice.id), one(superuser, EXTERNAL, bob.id)) == (False, True)


def test_without_domains_of_the_clubs_nobody_is(known, superuser, supper, alice):
    known()
    answers(superuser, supper.id, accepted=[alice])
    assert one(superuser, EXTERNAL, alice.id) is False


def test_it_is_fixed_when_somebody_is_invited(known, superuser, supper, alice):
    known("elsewhere.example")
    answers(superuser, supper.id, invited=[alice])
    known("club.example")
    moves(superuser, alice, "alice@gmail.com")
    row = superuser.execute("select email_domain, is_external_domain from meeting_attendances").fetchone()
    assert row == ("club.example", True)


def test_the_copy_follows_the_setting(known, superuser):
    known("a.example", "b.example")
    known("b.example")
    assert superuser.execute("select domain from club_domains").fetchall() == [("b.example",)]


def test_mail_houses_are_one_line_and_the_club_another(known, sign_in, superuser, alice, bob, charlie, dora):
    known("club.example")
    moves(superuser, bob, "bob@gmail.com")
    moves(superuser, charlie, "charlie@moen.no")
    over = plan(superuser, "Over", days=-2, status="completed")
    eve, frida = crowd(superuser, 2)
    moves(superuser, eve, "eve@web.de")
    answers(superuser, over.id, accepted=[alice, bob, charlie, eve, frida])
    superuser.execute("update meeting_attendances set outcome = 'attended', join_duration = 40")
    for path in (f"/admin/meetings/{over.id}", "/admin/domains"):
        table = sign_in(dora).get(path).text.partition("Domains, most who came first")[2]
        named = re.findall(r'class="lead"><bdi>(.*?)</bdi>', table)
        assert [plain(name) for name in named] == ["Public mail providers", "The club’s own", "moen.no"]


def test_who_answered_before_the_club_named_its_domains_is_not_its_own(known, sign_in, superuser, alice, charlie, dora):
    known()
    moves(superuser, charlie, "charlie@moen.no")
    over = plan(superuser, "Over", days=-2, status="completed")
    answers(superuser, over.id, accepted=[alice, charlie])
    known("club.example")
    text = words(sign_in(dora).get("/admin/domains"))
    assert "The club’s own 1" in plain(text) and "moen.no 1" in text


def test_older_meetings_are_not_in_the_month(known, sign_in, superuser, alice, dora):
    answers(superuser, plan(superuser, "Long ago", days=-40, status="completed").id, accepted=[alice])
    text = words(sign_in(dora).get("/admin/domains"))
    assert "over the 0 meetings of the last thirty days" in text and "Nobody answered yet." in text
    assert "nobody counts as coming from outside" in text


@pytest.mark.parametrize("wrong", ["aydin", "@aydin.club", "https://aydin.club", "selin@aydin.club"])
def test_a_setting_that_is_no_domain_is_refused(wrong):
    env = {
        "DATABASE_URL": "postgresql://x@y/z",
        "SECRET_KEY": "x" * 32,
        "SANDBOX": "1",
        "CLUB_DOMAINS": f"a.club {wrong}",
    }
    with pytest.raises(Problem, match="CLUB_DOMAINS"):
        Settings.from_environment(env)


def test_one_meetings_domains_are_read_from_the_index_alone(superuser, as_, dora):
    """However many rows other meetings have."""
    people = crowd(superuser, 200)
    for n in range(20):
        answers(superuser, plan(superuser, f"Other {n}", days=-n - 1, max_attendees=None).id, accepted=people)
    meeting = plan(superuser, "This", days=3, max_attendees=None)
    answers(superuser, meeting.id, accepted=people)
    superuser.execute("vacuum analyze meeting_attendances")
    query = (
        "explain select is_external_domain, email_domain, count(*) filter (where outcome = 'attended'), avg(join_duration)"
        f" from meeting_attendances where meeting_id = any (%s) and ({KNOWN}) group by 1, 2"
    )
    with as_(dora) as db:
        lines = " ".join(line for (line,) in db.execute(query, [[meeting.id]]).fetchall())
    assert "Index Only Scan using ix_meeting_attendances_domains" in lines
