"""`/metrics` tells whoever has the token how the club stands, from one database for all processes."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from portal import create_app
from portal.database import db, timings
from portal.database.timings import Counts
from tests.support.web import settings_for

TOKEN = "a token that only the watcher has, long"


@pytest.fixture
def watched(migrated, database, monkeypatch):
    """A portal with a token, which writes down what it counted after every request."""
    monkeypatch.setattr(timings, "counts", Counts())
    monkeypatch.setattr(timings, "EVERY", 0)
    app = create_app(settings_for(migrated, metrics_token=TOKEN))
    timings.keep(app, db)
    yield app
    with app.app_context():
        db.engine.dispose()


def figures(app) -> dict[tuple[str, str], float]:
    answer = app.test_client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200
    return {
        (sample.name, "".join(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
    }


def test_the_watcher_reads_figures_of_every_process(watched, superuser):
    watched.test_client().get("/sign-in")
    superuser.execute("insert into request_timings values ('/elsewhere', 500, 3, 30)")
    read = figures(watched)
    assert read["portal_requests_total", "200"] == 1 and read["portal_requests_total", "500"] == 3
    assert read["portal_request_seconds_total", "500"] == pytest.approx(0.03)
    assert read["portal_table_bytes", "users"] > 0


def test_an_answer_is_given_again_for_ten_seconds(watched, superuser):
    before = figures(watched)
    superuser.execute("insert into request_timings values ('/elsewhere', 500, 3, 30)")
    assert figures(watched) == before


@pytest.mark.parametrize("sent", [{}, {"Authorization": "Bearer another"}, {"Authorization": TOKEN}])
def test_nobody_else_reads_them(watched, sent):
    assert watched.test_client().get("/metrics", headers=sent).status_code == 401


def test_without_the_setting_there_is_no_such_page(app):
    answer = app.test_client().get("/metrics", headers={"Authorization": "Bearer "})
    assert answer.status_code == 404
