"""The month itself: time is moved from one moment at which something is due to the next, and whatever is due then is done.

All in one process, one thing after the other, so that the same backup always goes the same way. These moments are every half
hour, whenever a meeting begins, ends, opens or is reminded of, and whenever the queue or Stripe has something.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import NamedTuple

import psycopg
import stripe
from croniter import croniter

from portal import clock, create_app, jobs
from portal.club import first_start
from portal.config import Settings
from portal.database import db
from portal.database.identity import WORKER
from portal.database.transactions import transaction
from portal.operations import jobs as operations
from portal.operations.start import reach
from portal.problems import Problem
from portal.rehearsal import books, seen
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

# What the clock had called by then is called here anyway.
FORGET_TICKS = "delete from procrastinate_jobs where jsonb_exists(args, 'timestamp')"
# Nobody is at work on a copy; and what is due later was so by the real time of the night the backup was made in.
TAKE_OVER = """
update procrastinate_jobs
   set status = 'todo', worker_id = null, scheduled_at = scheduled_at + (%(club_at)s - %(made_at)s)
 where status in ('todo', 'doing')
"""
READY = """
select id, task_name, args from procrastinate_jobs
 where status = 'todo' and coalesce(scheduled_at, %(at)s) <= %(at)s order by priority desc, id limit 500
"""
# So were mails that wait without a job each.
TAKE_OVER_MAILS = "update mails set due_at = due_at + (%(club_at)s - %(made_at)s) where state = 'queued'"
DONE = "delete from procrastinate_jobs where id = any (%s)"
NEXT = """
select min(moment) from (
  select scheduled_at as moment from procrastinate_jobs where status = 'todo' and scheduled_at > %(at)s
  union all
  select starts_at - before * interval '1 minute'
    from meetings, (select unnest(reminders) from mail_preferences union values (0), (60), (%(doors)s)) as early (before)
   where status in ('scheduled', 'active') and starts_at between %(at)s and %(at)s + interval '8 days'
  union all
  select ends_at from meetings where status in ('scheduled', 'active') and ends_at between %(at)s and %(at)s + interval '8 days'
) as moments where moment > %(at)s
"""


class Start(NamedTuple):
    """Where a rehearsal begins: when the backup was made by the club's clock and by the machine's."""

    club_at: datetime
    made_at: datetime
    days: int


class Failure(NamedTuple):
    """A job that could not be done, and why."""

    job: str
    reason: str


def run(settings: Settings, start: Start, say: Callable[[str], object]) -> seen.Line:
    """Rehearse in the database of `settings`, which is a copy; what happened, as JSON. Raises `Problem`."""
    month = Month(settings, start)
    try:
        with month.clock_moves(), reach(plain_url(settings.worker_url)) as queue:
            return month.run(queue, say)
    finally:
        for app in (month.web, month.worker):
            with app.app_context():
                db.session.remove()
                db.engine.dispose()


class Month:
    """The club in the copy, its stand-ins, and what was seen of them."""

    def __init__(self, settings: Settings, start: Start) -> None:
        self.settings, self.start = settings, start
        self.until = start.club_at + start.days * DAY
        self.web = create_app(settings)
        self.worker = create_app(settings, database_url=settings.worker_url)
        self.stripe = Stripe(":memory:", settings.stripe_url, settings.stripe_key)
        connected = (("zoom", settings.has_zoom), ("google-meet", settings.has_google))
        self.platforms = {name: RehearsedPlatform(name) for name, has in connected if has}
        for app in (self.web, self.worker):
            app.extensions["platforms"] = self.platforms
            if settings.takes_cards:
                line = stripe.StripeClient(settings.stripe_key, http_client=self.stripe.transport)
                app.extensions["provider"] = line
        jobs.serve(self.worker, clock.now)
        self.scheduled = [job for name, job in sorted(jobs.SCHEDULE.items()) if name not in OF_THE_MACHINE]
        self.due = {job.name: start.club_at for job in self.scheduled}
        self.access_ends: list[seen.Ended] = []
        self.alarms: list[seen.Alarm] = []
        self.failures: Counter[Failure] = Counter()
        self.first_failures: dict[Failure, datetime] = {}
        self.not_known: list[books.NotKnown] = []

    @contextmanager
    def clock_moves(self) -> Iterator[None]:
        """Inside, the clock of the copy stands where this process's is made to stand."""
        with reach(plain_url(self.settings.owner_url)) as owner:

            def stand_at(moment: datetime | None) -> None:
                if moment is not None:
                    owner.execute("update club_clock set stands_at = %s", [moment])

            with clock.followed_by(stand_at):
                yield

    def run(self, queue: psycopg.Connection, say: Callable[[str], object]) -> seen.Line:
        """Go through the month; what happened, as JSON."""
        at, day = self.start.club_at, 0
        with clock.at(at):
            self._begin(queue)
        while at < self.until:
            before, at = at, min(self._next_moment(queue, at), self.until)
            with clock.at(at):
                self._do_what_is_due(queue, at)
                with transaction(self.worker, WORKER) as session:
                    self.access_ends += seen.ended(session, before, at)
                    self.alarms += seen.alarms_of(session, before, at)
                    if (at - self.start.club_at) // DAY > day:
                        day += 1
                        self.alarms += seen.broken_promises(session, at)
                        say(f"Day {day} of {self.start.days}")
        with clock.at(at), transaction(self.worker, WORKER) as session:
            mails, charges = seen.mails(session, self.start.club_at), seen.charges(self.stripe, self.start.club_at)
            access_ends = [{"at": seen.written(at), "person": person} for at, person in sorted(set(self.access_ends))]
            alarms = sorted({*self.alarms, *seen.logged(session, self.start.club_at)})
            asked = sorted({one for each in self.platforms.values() for one in each.asked}, key=str)
            not_known = [{"subscription": name, "person": str(who), "what": what} for name, who, what in self.not_known]
            return {
                "from": seen.written(self.start.club_at),
                "until": seen.written(self.until),
                "people": seen.names(session, mails, charges, access_ends, not_known),
                "mails": mails,
                "mails_not_sent": seen.unsent(session, self.start.club_at),
                "charges": charges,
                "access_ends": access_ends,
                "rooms": sorted(map(seen.room, asked), key=lambda line: (line["at"], str(line))),
                "alarms": [{"at": seen.written(at), "what": what} for at, what in alarms],
                "job_failures": [
                    {"at": seen.written(self.first_failures[each]), **each._asdict(), "count": count}
                    for each, count in sorted(self.failures.items())
                ],
                "not_known": not_known,
            }

    def _begin(self, queue: psycopg.Connection) -> None:
        with reach(plain_url(self.settings.database_url)) as web:
            first_start(web, self.settings)
        queue.execute(FORGET_TICKS)
        for statement in (TAKE_OVER, TAKE_OVER_MAILS):
            queue.execute(statement, {"club_at": self.start.club_at, "made_at": self.start.made_at})
        if self.settings.takes_cards:
            with transaction(self.worker, WORKER) as session:
                self.not_known = books.write(session, self.stripe)
            # Told from now on: what was there before is no news.
            self.stripe.listen(f"{self.settings.public_url}/webhooks/stripe", self.settings.stripe_webhook_secret)

    def _next_moment(self, queue: psycopg.Connection, at: datetime) -> datetime:
        """The next moment at which something is due, in whole minutes: a worker looks once a minute."""
        row = queue.execute(NEXT, {"at": at, "doors": self.settings.doors_minutes}).fetchone()
        coming = [_half_hour_after(at), row and row[0], self.stripe.next_due()]
        first = max(min(moment for moment in coming if moment), at + timedelta(seconds=1))
        whole = first.replace(second=0, microsecond=0)
        return whole if whole == first else whole + MINUTE

    def _do_what_is_due(self, queue: psycopg.Connection, at: datetime) -> None:
        self._hear_stripe()
        self._empty(queue, at)
        for job in self.scheduled:
            if self.due[job.name] <= at:
                self.due[job.name] = _next_call(job, at)
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
        return (
            self.web.test_client()
            .post(delivery.url, data=delivery.body, headers=delivery.headers, base_url=self.settings.public_url)
            .status_code
        )

    def _empty(self, queue: psycopg.Connection, at: datetime) -> None:
        """Do every job that is due, and those that follow."""
        while ready := queue.execute(READY, {"at": at}).fetchall():
            for _id, name, arguments in ready:
                with self._failures_noted(name):
                    if name not in jobs.queue.tasks:
                        raise Problem("No such job is known to this version.")
                    jobs.queue.tasks[name].func(**arguments)
            queue.execute(DONE, [[row[0] for row in ready]])

    @contextmanager
    def _failures_noted(self, job: str) -> Iterator[None]:
        """A job that fails is not tried again: with stand-ins that always answer, it is a defect."""
        try:
            yield
        except Exception as error:
            failure = Failure(job, str(error) if isinstance(error, Problem) else type(error).__name__)
            self.failures[failure] += 1
            if failure not in self.first_failures:
                self.first_failures[failure] = clock.now()
                self.worker.logger.warning("%s failed in the rehearsal", job, exc_info=error)


def _half_hour_after(at: datetime) -> datetime:
    return at.replace(minute=at.minute // 30 * 30, second=0, microsecond=0) + HALF_HOUR


def _next_call(job: jobs.Job[...], at: datetime) -> datetime:
    """When a job is called next: what the clock calls each minute at whichever moment comes, what it calls each few minutes
    at the next half hour.
    """
    times = croniter(job.cron or "", at)
    first: datetime = times.get_next(datetime)
    every: timedelta = times.get_next(datetime) - first
    return max(first, _half_hour_after(at)) if MINUTE < every < HALF_HOUR else first
