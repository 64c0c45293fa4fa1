"""Filling a database for load work: as many as asked for, quickly, and every promise of the data kept."""

import pytest

from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.operations import demo
from portal.operations.check import findings
from portal.operations.seed import seed
from portal.problems import Problem
from tests.support.web import settings_for


def test_a_big_club_is_as_big_as_asked_for_and_keeps_every_promise(database, superuser, worker_app):
    lines = []
    seed(settings_for(database), 40, 30, 200, lines.append)
    counted = [
        superuser.execute(f"select count(*) from {t}".encode()).fetchone()[0]
        for t in ("users", "meetings", "meeting_attendances")
    ]
    assert counted == [40, 30, 200] and lines[-1].startswith("done")
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        broken = {finding.promise: finding.broken for finding in findings(db.session(), at_rest=True) if finding.broken}
        db.session.commit()
    assert broken == {}


def test_the_triggers_it_put_aside_are_back(database, superuser):
    seed(settings_for(database), 5, 5, 5, lambda _words: None)
    assert superuser.execute("select count(*) from pg_trigger where tgenabled = 'D'").fetchone() == (0,)


def test_nobody_can_answer_more_meetings_than_there_are(database):
    with pytest.raises(Problem, match="cannot answer 10 meetings"):
        seed(settings_for(database), 2, 5, 20, lambda _words: None)


@pytest.mark.parametrize("sandbox", [True, False])
def test_it_leaves_a_database_with_real_people_alone(sandbox, database, superuser):
    superuser.execute("insert into users (email) values ('the-only-one@club.example')")
    with pytest.raises(Problem, match="Real people"):
        seed(settings_for(database, sandbox=sandbox), 5, 5, 5, lambda _words: None)
    assert superuser.execute("select count(*) from users").fetchone() == (1,)


def test_it_fills_a_demo_beside_its_people(database, superuser, monkeypatch):
    superuser.execute("insert into users (email) values ('ana@duarte.pt')")
    monkeypatch.setattr(demo, "DEMO", "a demo of this test's")
    demo.mark_demo(settings_for(database))
    seed(settings_for(database), 5, 5, 5, lambda _words: None)
    assert superuser.execute("select count(*) from users").fetchone() == (6,)
