"""A big club for load work: set-based statements, a million people and ten million answers in minutes.

Unlike the demo this is not made by the rooms' actions (that would take days); it ends consistent all the same, and
`portal check --at-rest` says so. It refuses a database where anybody real lives.
"""

from collections.abc import Callable
from datetime import timedelta
from time import monotonic
from typing import LiteralString

import psycopg

from portal import clock
from portal.config import Settings
from portal.operations.demo import refuse_real_people
from portal.problems import Problem
from portal.setting_values import plain_url

CHUNK = 1_000_000

# What these two look after row by row is right by construction here, or set right at the end.
TRIGGERS: tuple[tuple[LiteralString, LiteralString], ...] = (("meeting_attendances", "count_seats_on_insert"),)

PEOPLE: LiteralString = """
insert into users (id, email, first_name, last_name, timezone, email_verified, created_at,
                   subscription_status, subscription_type, subscription_expiry, access_until)
select new_id(), 'member' || n || '@seed.example', 'Member', n::text, zones[1 + n %% array_length(zones, 1)], true,
       %(at)s - interval '1 year', 'active', 'individual', %(at)s + interval '1 year', %(at)s + interval '1 year'
  from generate_series(%(first)s::int, %(last)s::int) n,
       (select array['Europe/Berlin', 'Europe/Istanbul', 'America/New_York', 'Asia/Kolkata', 'UTC'] as zones) z
"""
GRANTS: LiteralString = """
insert into access_grants (id, user_id, kind, starts_at, ends_at, reason)
select new_id(), id, 'complimentary', %(at)s - interval '1 year', access_until, 'load work'
  from users where email like 'member%%@seed.example' order by id
"""
MEETINGS: LiteralString = """
insert into meetings (title, description, scheduled_date, start_time, duration, timezone, starts_at, status, is_private,
                      max_attendees, host_name, attendance_record)
select 'Evening ' || n, 'One hour, kept.', day, '21:00', 60, 'UTC', starts,
       case when starts + interval '1 hour' < %(at)s then 'completed' when starts < %(at)s then 'active' else 'scheduled' end, false,
       null, 'The club', case when starts + interval '1 hour' < %(at)s then 'final' end
  from generate_series(%(first)s::int, %(last)s::int) n,
  lateral (select (%(at)s at time zone 'UTC')::date + %(ahead)s::int - n as day) d,
  lateral (select (day + time '21:00') at time zone 'UTC' as starts) s
"""
# Every person answers a run of neighbouring meetings; ordered by person, so that the index grows at one end per chunk.
ANSWERS: LiteralString = """
insert into meeting_attendances (meeting_id, user_id, answer, outcome, invited_at, responded_at, joined_at, left_at,
                                 join_duration, device_type, email_domain)
select m.id, u.id, case when k %% 5 = 4 then 'declined' else 'accepted' end,
       case when m.past and k %% 5 < 3 then 'attended' when m.past and k %% 5 = 3 then 'no_show' end,
       m.starts_at - interval '1 day', m.starts_at - interval '1 hour',
       case when m.past and k %% 5 < 3 then m.starts_at end, case when m.past and k %% 5 < 3 then m.ends_at end,
       case when m.past and k %% 5 < 3 then 60 end, case when m.past and k %% 5 < 3 then 'desktop' end, 'seed.example'
  from (select id, row_number() over (order by id) as n from users
         where email like 'member%%@seed.example' order by id offset %(skip)s limit %(take)s) u
 cross join generate_series(1, %(each)s::int) k
  join (select id, starts_at, ends_at, ends_at < %(at)s as past, row_number() over (order by starts_at, id) as n
          from meetings where host_name = 'The club') m on m.n = 1 + (u.n * 7 + k) %% %(meetings)s
 order by u.id
"""
STAYS: LiteralString = """
insert into presences (id, meeting_id, user_id, joined_at, left_at, device_type)
select new_id(), meeting_id, user_id, joined_at, left_at, 'desktop'
  from meeting_attendances where joined_at is not null and email_domain = 'seed.example'
"""
COUNTERS: LiteralString = """
update meetings m set seats_taken = c.taken, attendee_count = c.came
  from (select meeting_id, count(*) filter (where answer in ('accepted', 'offered')) as taken, count(joined_at) as came
          from meeting_attendances group by meeting_id) c
 where c.meeting_id = m.id
"""


def seed(settings: Settings, users: int, meetings: int, attendances: int, say: Callable[[str], None] = print) -> None:
    """Fill the database with so many people, meetings and answers (answers = people × a whole number each)."""
    each = attendances // users if users else 0
    if each > meetings:
        raise Problem(f"{users} people cannot answer {each} meetings each when there are {meetings}.")
    began = monotonic()
    with (
        psycopg.connect(plain_url(settings.owner_url), autocommit=True) as owner,
        psycopg.connect(plain_url(settings.worker_url), autocommit=True) as worker,
    ):
        refuse_real_people(owner, "load work wants a database of its own")
        worker.execute("set statement_timeout = 0")
        worker.execute("set synchronous_commit = off")
        worker.execute("set enable_nestloop = off")  # the planner cannot know how many rows a numbered list has
        _switch(owner, "disable")
        try:
            at = clock.now()
            for first in range(1, users + 1, CHUNK):
                worker.execute(PEOPLE, {"at": at, "first": first, "last": min(users, first + CHUNK - 1)})
            worker.execute(GRANTS, {"at": at})
            say(f"{users:,} people, {monotonic() - began:.0f} s")
            ahead = min(35, meetings // 2)
            worker.execute(MEETINGS, {"at": at, "first": 1, "last": meetings, "ahead": ahead})
            say(f"{meetings:,} meetings, {monotonic() - began:.0f} s")
            people_at_once = max(1, CHUNK // max(1, each))
            for skip in range(0, users if each else 0, people_at_once):
                batch = {"at": at, "skip": skip, "take": people_at_once, "each": each, "meetings": meetings}
                worker.execute(ANSWERS, batch)
                say(f"{min(users, skip + people_at_once) * each:,} answers, {monotonic() - began:.0f} s")
            worker.execute(STAYS)
            worker.execute(COUNTERS)
        finally:
            _switch(owner, "enable")
        owner.execute("analyze")
    say(f"done, {timedelta(seconds=round(monotonic() - began))}")


def _switch(owner: psycopg.Connection, how: LiteralString) -> None:
    for table, trigger in TRIGGERS:
        owner.execute(f"alter table {table} {how} trigger {trigger}")
