"""The doctor's page: what the worker last found, and the press that has it look again."""

import pytest
from psycopg.types.json import Jsonb

from portal.operations import doctor
from portal.operations.finding import Finding
from tests.support.reading import operations, rows, words

PAGE = "/admin/operations/doctor"


@pytest.fixture
def finds(monkeypatch):
    """`finds(Finding(…), …)`: what there is to be found."""
    return lambda *findings: monkeypatch.setattr(doctor, "examine", lambda _settings: iter(findings))


def test_before_the_first_look(desk, superuser):
    page = words(desk.get(PAGE))
    assert page.startswith("Operations The doctor has not looked yet") and "Try everything now" in page
    assert superuser.execute("select count(*) from procrastinate_jobs").fetchone() == (0,)


def test_a_press_leaves_it_to_the_worker_once(desk, superuser):
    for _ in range(2):
        assert desk.submit(PAGE).status_code == 303
    assert superuser.execute("select task_name from procrastinate_jobs").fetchall() == [("operations.examine",)]
    assert operations(superuser) == ["doctor.called"]
    page = words(desk.get(PAGE))
    assert "The doctor is looking" in page and "Try everything now" not in page


def test_what_was_found_is_shown_with_its_remedy_what_ails_first(desk, finds, work):
    finds(
        Finding("Clock", True, "It is right."),
        Finding("Database", None, "BACKUP_DATABASE_URL was not given.", "Give it."),
        Finding("Disk", False, "0.1 GB are free.", "Make room."),
    )
    desk.submit(PAGE)
    work()
    answer = desk.get(PAGE)
    assert words(answer, "h1") == "1 part needs mending"
    assert rows(answer, "tr")[1:] == [
        "Disk Not well 0.1 GB are free. Make room.",
        "Database Note BACKUP_DATABASE_URL was not given. Give it.",
        "Clock Well It is right.",
    ]


def test_what_opens_something_is_struck_out(desk, finds, work):
    key = "sk_" + "live_abcdefghijkl"
    finds(Finding("Stripe", False, f"Nobody thought of {key}"))
    desk.submit(PAGE)
    work()
    assert key not in desk.get(PAGE).text


def test_the_worker_says_what_it_was_not_given(desk, work):
    desk.submit(PAGE)
    work()
    assert "Clock Well This machine and the database have the same time." in words(desk.get(PAGE))


def test_the_last_findings_stay_while_it_looks_again(desk, superuser):
    found = {"findings": [Finding("Clock", True, "It is right.")._asdict()]}
    superuser.execute(
        "insert into runs (name, began_at, ended_at, well, outcome, details) values ('doctor', now(), now(), true, 'Well.', %s)",
        [Jsonb(found)],
    )
    desk.submit(PAGE)
    page = words(desk.get(PAGE))
    assert "The doctor is looking" in page and "Clock Well It is right." in page


def test_members_know_nothing_of_it(sign_in, alice):
    assert sign_in(alice).get(PAGE).status_code == 404
