"""A note to the host beside one's answer: who writes it, who reads it, and when it is forgotten."""

from datetime import timedelta

import pytest

from portal import clock
from portal.operations.jobs import tidy
from tests.support.reading import do, one, said_at, words

LATE = "I’ll be ten minutes late."


@pytest.fixture
def hosted(superuser, charlie, quiet):
    """Quiet, led by Charlie."""
    superuser.execute("update meetings set host_id = %s where id = %s", [charlie.id, quiet.id])
    return quiet


@pytest.fixture
def noted(sign_in, alice, hosted):
    """Alice is coming to it, and has told him that she will be late."""
    hers = sign_in(alice)
    hers.submit(f"/meetings/{hosted.id}/answer", answer="accepted")
    hers.submit(f"/meetings/{hosted.id}/note", note=f" {LATE} ")
    return hosted


def test_who_wrote_it_host_and_admins_read_it(sign_in, alice, charlie, dora, noted):
    assert f'value="{LATE}"' in sign_in(alice).get(f"/meetings/{noted.id}").text
    assert f"Alice {LATE} Said yes" in words(sign_in(charlie).get(f"/meetings/{noted.id}"))
    assert LATE in words(sign_in(dora).get(f"/admin/meetings/{noted.id}"))


def test_nobody_else_reads_it(sign_in, as_, alice, bob, noted):
    his = sign_in(bob)
    for page in (f"/meetings/{noted.id}", "/meetings", "/family", f"/meetings/{noted.id}/requests"):
        assert LATE not in his.get(page).text
    with as_(bob) as db:
        assert db.execute("select * from notes_to_host(%s)", [noted.id]).fetchall() == []
        assert db.execute("select note from meeting_attendances where note is not null").fetchall() == []


def test_a_former_host_reads_it_no_longer(as_, superuser, charlie, bob, noted):
    superuser.execute("update meetings set host_id = %s", [bob.id])
    with as_(charlie) as db:
        assert db.execute("select * from notes_to_host(%s)", [noted.id]).fetchall() == []


def test_it_stands_beside_a_request(sign_in, superuser, alice, charlie, hosted):
    superuser.execute("update meetings set requires_approval = true")
    hers = sign_in(alice)
    hers.submit(f"/meetings/{hosted.id}/answer", answer="accepted")
    hers.submit(f"/meetings/{hosted.id}/note", note="It is my first time.")
    assert "It is my first time." in words(sign_in(charlie).get(f"/meetings/{hosted.id}/requests"))


def test_it_stands_on_the_board_while_the_meeting_runs(sign_in, charlie, noted):
    with clock.at(noted.starts_at + timedelta(minutes=5)):
        assert f"Alice: {LATE}" in words(sign_in(charlie).get(f"/meetings/{noted.id}/host-board"))


def test_empty_it_is_taken_back(sign_in, superuser, alice, noted):
    sign_in(alice).submit(f"/meetings/{noted.id}/note", note="")
    assert one(superuser, "select note from meeting_attendances") is None


def test_it_goes_along_with_an_answer(sign_in, superuser, alice, hosted):
    posted = sign_in(alice).submit(f"/meetings/{hosted.id}/note", note=LATE)
    assert posted.status_code == 422
    assert said_at(posted, "note") == "Answer first whether you are coming. The note goes along with your answer."
    assert f'value="{LATE}"' in posted.text


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("x" * 201, "Use at most 200 characters here."),
        ("late\u202e", "There is an invisible character in this. Type it again instead of pasting it."),
        ("late\x07", "There is an invisible character in this. Type it again instead of pasting it."),
    ],
)
def test_it_is_one_short_plain_line(sign_in, superuser, alice, noted, typed, sentence):
    posted = sign_in(alice).submit(f"/meetings/{noted.id}/note", note=typed)
    assert said_at(posted, "note") == sentence
    assert one(superuser, "select note from meeting_attendances") == LATE


def test_it_is_kept_in_one_form(sign_in, superuser, alice, noted):
    sign_in(alice).submit(f"/meetings/{noted.id}/note", note="Cafe\u0301")
    assert one(superuser, "select note from meeting_attendances") == "Caf\u00e9"


def test_a_meeting_that_is_over_takes_none(sign_in, alice, noted):
    with clock.at(noted.ends_at + timedelta(hours=1)):
        hers = sign_in(alice)
        assert "To the host" not in words(hers.get(f"/meetings/{noted.id}"))
        assert hers.submit(f"/meetings/{noted.id}/note", note="Too late").status_code == 422


def test_it_is_in_no_mail(work, superuser, noted):
    work()
    assert one(superuser, "select count(*) from mails where concat(subject, text, html) like '%%minutes late%%'") == 0


@pytest.mark.parametrize(("days", "kept"), [(89, LATE), (91, None)])
def test_ninety_days_after_the_meeting_it_is_forgotten(worker_app, superuser, noted, days, kept):
    do(worker_app, tidy, clock.now() + timedelta(days=days + 1, hours=3))
    assert one(superuser, "select note from meeting_attendances") == kept
