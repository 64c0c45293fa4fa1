"""A club whose web and worker are killed at a chosen step, seen from behind the scenes."""

import contextlib
import http.client
import time
from types import SimpleNamespace
from urllib.parse import urlencode

from portal import create_app
from portal.database import db
from portal.database.identity import WORKER, act_as
from portal.operations.check import findings
from tests.faults.conftest import TOKEN, Faulty
from tests.support.web import settings_for

JOB = """
insert into procrastinate_jobs (queue_name, task_name, lock, args) values ('default', %s, %s, '{"timestamp": 0}')
"""
UNHEARD = "update procrastinate_workers set last_heartbeat = now() - interval '1 minute'"
WAKE = 'select pg_notify(\'procrastinate_any_queue_v1\', \'{"type": "job_inserted", "job_id": 0}\')'
STANDING = "select count(*) from pg_stat_activity where usename = %s and wait_event_type = 'Lock' and datname = current_database()"
SHUT = STANDING.replace("count(*)", "pg_terminate_backend(pid)")
WORK = "select count(*) from procrastinate_jobs where status in ('todo', 'doing') and (scheduled_at is null or scheduled_at < now())"


class Breakable:
    """The portal's processes; `settings` are those beside the usual of an app that looks on as the worker."""

    def __init__(self, database, club, **settings):
        self.club, self.database = club, database
        self.postgres = database.connect(autocommit=True)
        self.faulty = Faulty(SimpleNamespace(database=database), club)
        made = settings_for(database, public_url=club.url, **settings)
        self.app = create_app(made, database_url=made.worker_url)

    def one(self, statement, *given):
        """The one value a statement asks for, seen from behind the scenes."""
        return self.postgres.execute(statement, given).fetchone()[0]

    def click(self, who, path, cookie="", **form):
        """A form sent: where it leads, or nothing when nobody answered or the answer was no."""
        line = http.client.HTTPConnection("127.0.0.1", self.club.port, timeout=30)
        headers = {
            "Cookie": cookie or self.faulty.cookie(who),
            "X-CSRFToken": TOKEN,
            "Content-Type": "application/x-www-form-urlencoded",
        }
        with contextlib.closing(line), contextlib.suppress(OSError, http.client.HTTPException):
            line.request("POST", path, urlencode(form), headers)
            answer = line.getresponse()
            return answer.getheader("Location") if answer.status == 303 else None

    def job(self, name):
        """What the worker's clock would have it do within a minute."""
        self.postgres.execute(JOB, [name, name])

    def worker_again(self):
        """As the supervisor does, with the time that goes by until the dead one is missed."""
        self.postgres.execute(UNHEARD)
        self.club.start_worker()
        self.postgres.execute(JOB, ["operations.rescue", None])  # without a lock, as it is

    def nudge(self):
        """What else happens while one waits."""

    def meanwhile(self, true):
        """Until it is so; the worker looks without waiting for its own five seconds to pass."""
        until(lambda: (self.nudge(), self.postgres.execute(WAKE), true())[-1])

    @contextlib.contextmanager
    def held_up(self, table, login):
        """Whoever writes to a table is left standing in the middle of it; inside, `login` stands there."""
        with self.database.connect() as held:
            held.execute(f"lock table {table} in share mode".encode())
            yield lambda: until(lambda: self.one(STANDING, login))

    def broken(self):
        """What `portal check` finds, the worker's pulse included."""
        with self.app.app_context():
            act_as(db.session(), WORKER)
            return [found.promise for found in findings(db.session()) if found.broken]

    def close(self):
        self.postgres.close()
        with self.app.app_context():
            db.engine.dispose()


def until(true, seconds=30):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end, "it never came"
        time.sleep(0.05)
