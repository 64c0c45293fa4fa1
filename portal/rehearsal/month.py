"""The month itself: time is moved from one moment at which something is due to the next, and whatever is due then is done.

All in one process, one thing after the other, so that the same backup always goes the same way. These moments are every half
hour, whenever a meeting begins, ends, opens or is reminded of, and whenever the queue or Stripe has something.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import psycopg
import stripe
from croniter import croniter
from flask import Flask
from sqlalchemy import text

from portal import clock, create_app, jobs
from portal.club import first_start
from portal.config import Settings
from portal.database import db
from portal.database.identity import WORKER
from portal.database.query import Query
from portal.database.transactions import transaction
from portal.operations import jobs as operations
from portal.operations.check import findings
from portal.operations.start import reach
from portal.problems import Problem
from portal.rehearsal import books
from portal.rehearsal.rooms import RehearsedPlatform
from portal.rooms import jobs as rooms
from portal.sandbox.stripe import Delivery, Stripe
from portal.setting_values import plain_url

MINUTE, HALF_HOUR, DAY = timedelta(minutes=1), timedelta(minutes=30), timedelta(days=1)
OF_THE_MACHINE = frozenset(
    job.name
    for job in (
        operations.analyse,
        operations.back_up,
        operations.check,
        operations.measure,
        operations.prove,
        operations.tell_alarms,
        rooms.check,
    )
)
"""Jobs that look after the server and not after the club. The check of the data is made here once a day."""

READY = """
select id, task_name, args from procrastinate_jobs
 where status = 'todo' and coalesce(scheduled_at, %(at)s) <= %(at)s order by priority desc, id limit 500
"""
# What the clock had called by then is called here anyway.
FORGET_TICKS = "delete from procrastinate_jobs where jsonb_exists(args, 'timestamp')"
# Nobody is at work on a copy; and what is due later was so by the real time of the night the backup was made in.
TAKE_OVER = """
update procrastinate_jobs
   set status = 'todo', worker_id = null, scheduled_at = scheduled_at + (%(club_at)s - %(made_at)s)
 where status in ('todo', 'doing')
"""
NEXT_JOB = "select min(scheduled_at) from procrastinate_jobs where status = 'todo' and scheduled_at > %(at)s"
NEXT_OF_MEETINGS = """
select min(moment) from (
  select starts_at - before * interval '1 minute' as moment
    from meetings, (select unnest(reminders) from mail_preferences union values (0), (60), (%(doors)s)) as early (before)
   where status in ('scheduled', 'active') and starts_at between %(at)s and %(at)s + interval '8 days'
  union all
  select ends_at from meetings where status in ('scheduled', 'active') and ends_at between %(at)s and %(at)s + interval '8 days'
) as moments where moment > %(at)s
"""


class Mailed(NamedTuple):
    """A mail that would have left. `person` is None where it goes to nobody of the club."""

    at: datetime
    kind: str
    person: str | None


class Ended(NamedTuple):
    """Somebody's access that came to its end, and what it was by."""

    at: datetime
    person: str


class Logged(NamedTuple):
    """A line of the club's own log that somebody should read."""

    at: datetime
    message: str
    level: str


class Unready(NamedTuple):
    """A meeting that began without a room."""

    at: datetime
    title: str


class Drifted(NamedTuple):
    """What the club and Stripe came to disagree about."""

    at: datetime
    difference: str


MAILED = Query(
    Mailed,
    text("""
select sent_at as at, kind, cast(user_id as text) as person from mails
 where state = 'sent' and sent_at >= :since order by sent_at, kind, person
"""),
)
NOT_SENT = text("""
select state, coalesce(failure, ''), count(*) from mails where state in ('failed', 'dropped') and created_at >= :since
 group by 1, 2 order by 1, 2
""")
ENDED = Query(
    Ended,
    text("""
select access_until as at, cast(id as text) as person from users
 where is_active and access_until > :since and access_until <= :at order by 1, 2
"""),
)
LOGGED = Query(
    Logged,
    text("""
select timestamp as at, message, level from system_logs
 where level in ('warn', 'error') and timestamp >= :since order by timestamp, message
"""),
)
UNREADY = Query(
    Unready,
    text("""
select starts_at as at, title from meetings
 where status <> 'cancelled' and meeting_link is null and starts_at > :since and starts_at <= :at order by 1, 2
"""),
)
DRIFTED = Query(
    Drifted, text("select found_at as at, difference from drifts where found_at >= :since order by found_at, difference")
)
NAMES = text("""
select cast(id as text), concat_ws(' ', first_name, nullif(last_name, '')) from users where id = any (cast(:people as uuid[]))
""")


class Start(NamedTuple):
    """Where a rehearsal begins: when the backup was made by the club's clock and by the machine's."""

    club_at: datetime
    made_at: datetime
    days: int


Item = dict[str, Any]  # a line of the report, as JSON has it


class Month:
    """The club in the copy, its stand-ins, and what was seen of them."""

    def __init__(self, settings: Settings, start: Start) -> None:
        self.settings, self.start = settings, start
        self.until = start.club_at + start.days * DAY
        self.web = create_app(settings)
        self.worker = create_app(settings, database_url=settings.worker_url)
        self.stripe = Stripe(":memory:", settings.stripe_url, settings.stripe_key)
        self.platforms = {name: RehearsedPlatform(name) for name in _connected(settings)}
        for app in (self.web, self.worker):
            app.extensions["platforms"] = self.platforms
            if settings.takes_cards:
                app.extensions["provider"] = stripe.StripeClient(
                    settings.stripe_key, http_client=self.stripe.transport
                )
        jobs.serve(self.worker, clock.now)
        self.scheduled = [job for name, job in sorted(jobs.SCHEDULE.items()) if name not in OF_THE_MACHINE]
        self.next = {job.name: start.club_at for job in self.scheduled}
        self.access_ends: list[Ended] = []
        self.alarms: list[tuple[datetime, str]] = []
        self.failures: Counter[tuple[str, str]] = Counter()
        self.failed_first: dict[tuple[str, str], datetime] = {}
        self.not_known: list[books.NotKnown] = []

    def run(self, say: Callable[[str], object]) -> Item:
        """Go through the month; what happened, as JSON. Raises `Problem`."""
        with self._clock(), _queue(self.settings) as queue:
            at, day = self.start.club_at, 0
            with clock.at(at):
                with reach(plain_url(self.settings.database_url)) as web:
                    first_start(web, self.settings)
                queue.execute(FORGET_TICKS)
                queue.execute(TAKE_OVER, {"club_at": self.start.club_at, "made_at": self.start.made_at})
                self._open_stripe()
            while at < self.until:
                before, at = at, min(self._next_moment(queue, at), self.until)
                with clock.at(at):
                    self._do_what_is_due(queue, at)
                    self._look(before, at)
                    if (at - self.start.club_at) // DAY > day:
                        day += 1
                        self._check(at)
                        say(f"Day {day} of {self.start.days}")
            with clock.at(at):
                return self._report()

    @contextmanager
    def _clock(self) -> Iterator[None]:
        """Inside, the database's clock stands where this process's is made to stand."""
        with reach(plain_url(self.settings.owner_url)) as owner:

            def stand_at(moment: datetime | None) -> None:
                if moment is not None:
                    owner.execute("update club_clock set stands_at = %s", [moment])

            with clock.followed_by(stand_at):
                yield

    def _open_stripe(self) -> None:
        if not self.settings.takes_cards:
            return
        with transaction(self.worker, WORKER) as session:
            self.not_known = books.write(session, self.stripe)
        # Listens from now on: what was there before is no news.
        self.stripe.listen(f"{self.settings.public_url}/webhooks/stripe", self.settings.stripe_webhook_secret)

    def _next_moment(self, queue: psycopg.Connection, at: datetime) -> datetime:
        """The next moment at which something is due, in whole minutes: a worker looks once a minute."""
        found = [_half_hour_after(at)]
        known = {"at": at, "doors": self.settings.doors_minutes}
        for question in (NEXT_JOB, NEXT_OF_MEETINGS):
            row = queue.execute(question.encode(), known).fetchone()
            found += [row[0]] if row and row[0] else []
        if (next_of_stripe := self.stripe.next_due()) is not None:
            found.append(max(next_of_stripe, at))
        first = min(found)
        whole = first.replace(second=0, microsecond=0)
        return max(whole if whole == first else whole + MINUTE, at + timedelta(seconds=1))

    def _do_what_is_due(self, queue: psycopg.Connection, at: datetime) -> None:
        self._hear_stripe()
        self._empty(queue, at)
        for job in self.scheduled:
            if self.next[job.name] <= at:
                self.next[job.name] = _next(job, at)
                with self._failures_noted(job.name), transaction(self.worker, WORKER) as session:
                    job.function(session)
        self._empty(queue, at)
        self._hear_stripe()
        self._empty(queue, at)

    def _hear_stripe(self) -> None:
        if self.settings.takes_cards:
            self.stripe.advance()
            self.stripe.deliver(self._knock)

    def _knock(self, delivery: Delivery) -> int:
        client = self.web.test_client()
        answer = client.post(
            "/webhooks/stripe", data=delivery.body, headers=delivery.headers, base_url=self.settings.public_url
        )
        return answer.status_code

    def _empty(self, queue: psycopg.Connection, at: datetime) -> None:
        """Do every job that is due, and those that follow."""
        while ready := queue.execute(READY.encode(), {"at": at}).fetchall():
            for _id, name, arguments in ready:
                with self._failures_noted(name):
                    if name not in jobs.queue.tasks:
                        raise Problem("No such job is known to this version.")
                    jobs.queue.tasks[name].func(**arguments)
            queue.execute("delete from procrastinate_jobs where id = any (%s)", [[row[0] for row in ready]])

    @contextmanager
    def _failures_noted(self, name: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            reason = str(error) if isinstance(error, Problem) else type(error).__name__
            self.failures[name, reason] += 1
            if self.failures[name, reason] == 1:
                self.failed_first[name, reason] = clock.now()
                self.worker.logger.warning("%s failed in the rehearsal", name, exc_info=error)

    def _look(self, before: datetime, at: datetime) -> None:
        with transaction(self.worker, WORKER) as session:
            self.access_ends += ENDED.all(session, since=before, at=at)
            self.alarms += [
                (row.at, f"“{row.title}” begins without a room: nobody can join")
                for row in UNREADY.all(session, since=before, at=at)
            ]

    def _check(self, at: datetime) -> None:
        with transaction(self.worker, WORKER) as session:
            for found in findings(session, at_rest=True, club_at=at):
                if found.broken:
                    self.alarms.append((at, f"A promise of the data is broken: {found.promise} ({found.broken})"))

    def _report(self) -> Item:
        since = self.start.club_at
        with transaction(self.worker, WORKER) as session:
            mails = MAILED.all(session, since=since)
            alarms = {
                *self.alarms,
                *((row.at, row.message) for row in LOGGED.all(session, since=since)),
                *((row.at, row.difference) for row in DRIFTED.all(session, since=since)),
            }
            charges = self._charges()
            people = {row.person for row in (*mails, *self.access_ends) if row.person}
            people |= {str(each.user_id) for each in self.not_known} | {charge["person"] for charge in charges}
            names = dict(session.execute(NAMES, {"people": sorted(people)}).tuples().all())
            unsent = [
                {"what": f"{'Could not be sent' if state == 'failed' else 'Not sent'}: {why}", "count": count}
                for state, why, count in session.execute(NOT_SENT, {"since": since}).tuples()
            ]
        asked = sorted(
            {one for platform in self.platforms.values() for one in platform.asked}, key=lambda one: (one.at, str(one))
        )
        return {
            "from": _written(since),
            "until": _written(self.until),
            "people": names,
            "mails": [{"at": _written(row.at), "kind": row.kind, "person": row.person} for row in mails],
            "mails_not_sent": unsent,
            "charges": charges,
            "access_ends": [{"at": _written(row.at), "person": row.person} for row in sorted(set(self.access_ends))],
            "rooms": [
                {
                    "at": _written(one.at),
                    "what": one.what,
                    "platform": one.platform,
                    "title": one.title,
                    "starts_at": one.starts_at and _written(one.starts_at),
                }
                for one in asked
            ],
            "alarms": [{"at": _written(at), "what": words} for at, words in sorted(alarms)],
            "job_failures": [
                {"at": _written(self.failed_first[key]), "job": key[0], "reason": key[1], "count": count}
                for key, count in sorted(self.failures.items())
            ],
            "not_known": [
                {"subscription": each.subscription, "person": str(each.user_id), "what": each.what}
                for each in self.not_known
            ],
        }

    def _charges(self) -> list[Item]:
        """What Stripe would have charged or tried to, and what would have gone back."""
        since = self.start.club_at.timestamp()
        with self.stripe.books() as held:
            found = []
            for kind in ("charge", "refund"):
                for body in held.rows(kind):
                    if body.get("_before") or body["created"] < since:
                        continue
                    customer = held.get(body.get("customer") or (held.get(body.get("charge")) or {}).get("customer"))
                    outcome = "given back" if kind == "refund" else "paid" if body["paid"] else "refused"
                    found.append(
                        {
                            "at": _written(datetime.fromtimestamp(body["created"], UTC)),
                            "what": outcome,
                            "amount_minor": body["amount"],
                            "currency": body["currency"].upper(),
                            "person": (customer or {}).get("metadata", {}).get("user_id", ""),
                        }
                    )
        return sorted(found, key=lambda each: tuple(map(str, each.values())))


def run(settings: Settings, start: Start, say: Callable[[str], object]) -> Item:
    """Rehearse in the database of `settings`, which is a copy; what happened, as JSON."""
    month = Month(settings, start)
    try:
        return month.run(say)
    finally:
        for app in (month.web, month.worker):
            _close(app)


def _close(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def _queue(settings: Settings) -> psycopg.Connection:
    return reach(plain_url(settings.worker_url))


def _half_hour_after(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0) + HALF_HOUR


def _next(job: jobs.Job[...], at: datetime) -> datetime:
    """When a job is called next: what the clock calls each minute at whichever moment comes, what it calls each few minutes
    at the next half hour.
    """
    times = croniter(job.cron or "", at)
    first: datetime = times.get_next(datetime)
    every: timedelta = times.get_next(datetime) - first
    return first if every <= MINUTE else max(first, _half_hour_after(at)) if every < HALF_HOUR else first


def _connected(settings: Settings) -> list[str]:
    return [name for name, has in (("zoom", settings.has_zoom), ("google-meet", settings.has_google)) if has]


def _written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
