"""What a process has to say: one JSON object a line on a real server, with the reference and the time; no secret in any."""

import json
import logging
from io import StringIO

import pytest
from flask import Blueprint

from portal import create_app, log
from portal.access import public
from portal.database import db
from portal.jobs import job
from tests.support.web import settings_for, work_off

pytestmark = pytest.mark.usefixtures("jobs_of_tests")


@job("tests.break")
def break_down(session, email):
    """Fail as a defect would."""
    raise LookupError("a defect\nin two lines")


@pytest.fixture
def root():
    """The root of all loggers, afterwards as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield root
    root.handlers[:], root.level = handlers, level


@pytest.fixture
def told(root, migrated):
    """`told()`: the lines of a real server's log, as objects."""
    stream = StringIO()
    log.configure(settings_for(migrated, sandbox=False), stream)
    return lambda: [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.fixture
def watched(told, migrated):
    """A portal whose requests are told, with an address that breaks."""
    app = create_app(settings_for(migrated))
    broken = Blueprint("broken", __name__)
    broken.add_url_rule("/broken/<token>", "broken", public(lambda token: 1 / 0))
    app.register_blueprint(broken)
    log.watch(app)
    yield app
    with app.app_context():
        db.engine.dispose()


def test_each_request_is_a_line_with_its_reference_and_its_time(watched, told, database):
    answer = watched.test_client().get("/help?q=private")
    (line,) = told()
    assert (line["level"], line["message"]) == ("info", "GET /help 200")
    assert line["request"] == answer.headers["X-Request-Id"] and 0 < line["ms"] < 5000
    assert line["time"].endswith("+00:00") and "private" not in str(line)


def test_a_line_names_the_route_and_not_the_address_with_its_token(watched, told, database):
    watched.test_client().get("/verify/a-token-that-opens-something")
    watched.test_client().get("/no/such/address")
    assert [line["message"] for line in told()] == ["GET /verify/<token> 410", "GET no such address 404"]


def test_what_broke_is_one_line_with_all_of_it(watched, told, database):
    answer = watched.test_client().get("/broken/a-token")
    broke, asked = told()
    assert (broke["level"], broke["request"]) == ("error", answer.headers["X-Request-Id"])
    assert "ZeroDivisionError" in broke["error"] and "\n" in broke["error"]
    assert asked["message"] == "GET /broken/<token> 500" and "a-token" not in str(broke)


def test_a_job_that_failed_is_told_without_what_it_was_given(app, worker_app, told, database):
    with app.app_context():
        break_down.enqueue(db.session(), email="ana@duarte.pt")
        db.session.commit()
    work_off(worker_app, database)
    lines = [line for line in told() if "tests.break" in line["message"]]
    assert lines[-1]["message"] == "job tests.break failed" and lines[-1]["level"] == "error"
    assert "LookupError" in lines[-1]["error"] and lines[-1]["job"] > 0 and "ana@duarte.pt" not in str(lines)


def test_the_demo_says_it_in_plain_words_and_only_what_matters(root, migrated):
    stream = StringIO()
    log.configure(settings_for(migrated, log_level="WARNING"), stream)
    logging.getLogger("x").info("all is well")
    logging.getLogger("x").warning("look at %s", "this")
    assert stream.getvalue() == "WARNING x: look at this\n"
