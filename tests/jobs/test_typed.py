"""A misspelled job, event or argument is found by mypy, before anything runs."""

import re
import subprocess
import sys

from portal.config import ROOT

FILE = """\
from datetime import timedelta
from uuid import UUID

from sqlalchemy.orm import Session

from portal.jobs import job
from portal.meetings import events
from portal.meetings.events import moved


@moved.subscribe
@job("tests.right")
def right(db: Session, meeting_id: UUID) -> None: ...


@moved.subscribe  # wrong: who follows takes what the event tells
@job("tests.other")
def other(db: Session, user_id: UUID) -> None: ...


def leave(db: Session, meeting_id: UUID) -> None:
    right.enqueue(db, meeting_id=meeting_id)
    right.set(after=timedelta(seconds=1)).enqueue(db, meeting_id=meeting_id)
    moved.publish(db, meeting_id=meeting_id)
    rihgt.enqueue(db, meeting_id=meeting_id)  # wrong
    right.enqueue(db, meeting=meeting_id)  # wrong
    right.enqueue(db, meeting_id=str(meeting_id))  # wrong
    right.enqueue(db)  # wrong
    right.set(after=timedelta(seconds=1)).enqueue(db, meeting=meeting_id)  # wrong
    events.movd.publish(db, meeting_id=meeting_id)  # wrong
    moved.publish(db, meeting_id="tonight")  # wrong
"""


def test_a_misspelled_job_event_or_argument_is_an_error(tmp_path):
    file = tmp_path / "leaving_jobs.py"
    file.write_text(FILE)
    mypy = [sys.executable, "-m", "mypy", "--no-error-summary", "--no-pretty", "--hide-error-context", str(file)]
    output = subprocess.run(mypy, cwd=ROOT, capture_output=True, text=True).stdout
    found = {
        int(number) for number in re.findall(r"leaving_jobs\.py:(\d+): error:", output)
    }  # the folder may be of its cache
    assert found == {number for number, line in enumerate(FILE.splitlines(), 1) if "# wrong" in line}, output
