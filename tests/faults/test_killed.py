"""Processes killed under load: what was acknowledged is there, once, and the club goes on by itself."""

import threading
import time

from tests.support.cast import ALICE, BOB, CHARLIE, DORA

PEOPLE = [ALICE, BOB, CHARLIE, DORA]


def test_the_database_is_killed_under_answers_and_none_that_was_acknowledged_is_lost(faulty, meetings):
    stop = threading.Event()
    answers = faulty.keep_answering(PEOPLE, meetings, stop)
    time.sleep(1.5)
    faulty.postgres.kill()
    time.sleep(1)
    faulty.postgres.start()
    assert faulty.recovers(ALICE)
    time.sleep(1)
    stop.set()
    faulty.join()
    stored = faulty.stored()
    assert len(answers.acknowledged) > 6
    assert {key: stored.get(key) for key in answers.acknowledged} == answers.acknowledged
    assert set(answers.statuses) <= {0, 303, 409, 503} and 303 in answers.statuses
    assert faulty.broken_promises() == ""


def test_the_web_process_is_killed_under_answers_and_no_half_answer_is_left(faulty, meetings):
    stop = threading.Event()
    answers = faulty.keep_answering(PEOPLE, meetings, stop)
    time.sleep(1)
    faulty.club.kill_web()
    faulty.club.start_web()
    time.sleep(1)
    stop.set()
    faulty.join()
    stored = faulty.stored()
    assert {key: stored.get(key) for key in answers.acknowledged} == answers.acknowledged
    assert faulty.broken_promises() == ""


def test_a_page_is_honest_while_the_database_is_away_and_well_again_after(faulty):
    assert faulty.ask("GET", "/meetings", ALICE)[0] == 200
    faulty.postgres.kill()
    began = time.monotonic()
    status, text = faulty.ask("GET", "/meetings", ALICE)
    assert status == 503 and "out of breath" in text and time.monotonic() - began < 6
    assert faulty.ask("GET", "/healthz", ALICE)[0] == 200
    assert faulty.ask("GET", "/readyz", ALICE)[0] == 503
    faulty.postgres.start()
    assert faulty.recovers(ALICE)
