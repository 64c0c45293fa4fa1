"""Alarms by mail to the operator: once when one begins, once when it is over, never a flood."""

from dataclasses import replace
from datetime import timedelta

import pytest

from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.operations import jobs, telling
from portal.operations.alarms import Alarm

LATE = Alarm(True, "3 jobs are more than ten minutes late", "jobs-late")
POOL = Alarm(False, "1 request got no database connection in time in the last day", "pool")
OPERATOR = "operator@club.example"


@pytest.fixture
def look(worker_app, settings, superuser, work, mails):
    """`look(LATE)`: a look finds these alarms; subject and sentences of the mails that followed from it."""

    def looked(*found, later=timedelta(0)):
        superuser.execute("update raised_alarms set seen_at = seen_at - %s", [later])
        superuser.execute("update mails set created_at = created_at - %s", [later])
        before = len(mails(OPERATOR))
        with worker_app.app_context():
            act_as(db.session(), WORKER)
            telling.tell(db.session(), replace(settings, operator_email=OPERATOR), found)
            db.session.commit()
        work()
        return [(mail["subject"], mail["text"]) for mail in mails(OPERATOR)[: len(mails(OPERATOR)) - before]]

    return looked


def test_an_alarm_is_told_once_and_once_more_when_it_is_over(look):
    ((subject, text),) = look(LATE)
    assert subject == "Goalete: 1 thing wants a look" and "3 jobs are more than ten minutes late." in text
    assert look(LATE._replace(words="4 jobs are more than ten minutes late"), later=timedelta(minutes=5)) == []
    assert look(later=timedelta(minutes=5)) == [], "it may come back"
    ((subject, text),) = look(later=timedelta(minutes=11))
    assert subject == "Goalete: All clear" and "Over: 4 jobs are more than ten minutes late." in text
    assert look(later=timedelta(minutes=5)) == []


def test_what_is_new_at_a_look_is_one_mail_the_bad_ones_first(look):
    ((subject, text),) = look(POOL, LATE)
    assert subject == "Goalete: 2 things want a look" and text.index(LATE.words) < text.index(POOL.words)


def test_one_of_two_that_is_over_says_what_still_stands(look):
    look(POOL, LATE)
    look(LATE, later=timedelta(minutes=10))
    ((subject, _text),) = look(LATE, later=timedelta(minutes=10))
    assert subject == "Goalete: One alarm less, 1 thing still wants a look"


def test_more_than_a_few_an_hour_wait_for_the_next_mail(look):
    for number in range(telling.MOST_AN_HOUR):
        assert len(look(Alarm(False, f"Thing {number}", f"thing-{number}"))) == 1
    assert look(LATE) == []
    ((_subject, text),) = look(LATE, later=timedelta(hours=1))
    assert LATE.words in text


def test_without_an_address_nobody_is_written_to(worker_app, superuser, work):
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        jobs.tell_alarms.enqueue(db.session())
        db.session.commit()
    work()
    assert superuser.execute("select count(*) from raised_alarms").fetchone() == (0,)


def test_the_worker_finds_what_an_admin_sees(worker_app, superuser, work, monkeypatch, mails):
    monkeypatch.setitem(worker_app.config, "SETTINGS", replace(worker_app.config["SETTINGS"], operator_email=OPERATOR))
    superuser.execute("insert into pool_timings values (current_date, 1, 1, array_fill(0, array[16]), 1, now())")
    with worker_app.app_context():
        act_as(db.session(), WORKER)
        jobs.tell_alarms.enqueue(db.session())
        db.session.commit()
    work()
    work()
    (mail,) = mails(OPERATOR)
    assert POOL.words in mail["text"]
