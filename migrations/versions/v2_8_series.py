"""v2.8: a series holds meetings: by day, by weekday, by month, for five weeks ahead.

A series is a rule, a wall time and what its meetings are like; its meetings are rows like any other, known by the local
date they stand for. One that was changed on its own, called off or has begun is left alone by what the series does.

Revision ID: v2.8_series
Revises: v2.8_hosts
"""

from portal.database.migration import close, definer, run

revision = "v2.8_series"
down_revision = "v2.8_hosts"
branch_labels = None
depends_on = None

UP = """
create table meeting_series (
  id uuid constraint pk_meeting_series primary key default new_id(),
  title text not null
    constraint check_title check (char_length(title) between 1 and 120 and title = btrim(title) and title !~ '[[:cntrl:]]'),
  description text constraint check_description check (char_length(description) <= 5000),
  host_id uuid constraint fk_meeting_series_host_id_users references users on delete set null,
  repeats text not null constraint check_repeats check (repeats in ('daily', 'weekly', 'monthly-by-day', 'monthly-by-weekday')),
  -- Monday is 1, Sunday 7.
  weekdays smallint[] not null default '{}' constraint check_weekdays check (weekdays <@ '{1,2,3,4,5,6,7}'),
  -- A month without this day has its last one instead.
  month_day smallint constraint check_month_day check (month_day between 1 and 31),
  -- The first to fourth of its weekday in a month, or the last (-1).
  month_week smallint constraint check_month_week check (month_week in (1, 2, 3, 4, -1)),
  start_time time not null,
  timezone text not null,
  duration integer not null default 60 constraint check_series_duration check (duration > 0 and duration <= 480),
  platform text not null default 'google-meet' constraint check_platform check (platform in ('google-meet', 'zoom')),
  max_attendees integer default 50 constraint check_max_attendees check (max_attendees > 0),
  requires_approval boolean not null default false,
  is_private boolean not null default false,
  -- Only on days when nothing else is on: the club's daily meeting.
  only_if_free boolean not null default false,
  starts_on date not null,
  -- The last day it may be held. The day before the first: it was stopped before it began.
  ends_on date constraint check_series_period check (ends_on >= starts_on - 1),
  skipped date[] not null default '{}',
  revision integer not null default 0,
  created_by uuid constraint fk_meeting_series_created_by_users references users on delete set null,
  created_at timestamptz not null default now(),
  updated_at timestamptz not null default now(),
  constraint check_rule check (case repeats
    when 'daily' then weekdays = '{}' and month_day is null and month_week is null
    when 'weekly' then weekdays <> '{}' and month_day is null and month_week is null
    when 'monthly-by-day' then weekdays = '{}' and month_day is not null and month_week is null
    else cardinality(weekdays) = 1 and month_day is null and month_week is not null end),
  constraint one_daily_meeting exclude using gist (daterange(starts_on, ends_on + 1) with &&) where (only_if_free)
);
create index ix_meeting_series_host_id on meeting_series (host_id);
create index ix_meeting_series_created_by on meeting_series (created_by);
create trigger touch before update on meeting_series for each row execute function touch();
create trigger check_zone before insert or update of timezone on meeting_series for each row execute function check_zone();

alter table meetings
  add series_id uuid constraint fk_meetings_series_id_meeting_series references meeting_series,
  -- The day of the series it stands for, also when it was moved to another.
  add series_date date,
  add changed_alone boolean not null default false,
  add constraint check_series check ((series_id is null) = (series_date is null)),
  add constraint uq_meetings_series_id unique (series_id, series_date),
  drop is_recurring;
alter table meetings add is_recurring boolean not null generated always as (series_id is not null) stored;
"""

POLICIES = """
grant select (is_recurring, series_id, series_date, changed_alone) on meetings to portal_member, portal_admin;
grant update (changed_alone) on meetings to portal_admin;

-- Who sees one of its meetings may know how it repeats.
grant select on meeting_series to portal_member, portal_admin;
create policy of_meetings on meeting_series for select to portal_member
  using (exists (select from meetings m where m.series_id = meeting_series.id));
grant insert (id, title, description, host_id, repeats, weekdays, month_day, month_week, start_time, timezone, duration,
              platform, max_attendees, requires_approval, is_private, only_if_free, starts_on, ends_on, skipped, created_by)
  on meeting_series to portal_admin;
grant update (title, description, host_id, repeats, weekdays, month_day, month_week, start_time, timezone, duration,
              platform, max_attendees, requires_approval, is_private, only_if_free, starts_on, ends_on, skipped, revision)
  on meeting_series to portal_admin;
create policy everything on meeting_series for select to portal_admin using (true);
create policy plan_series on meeting_series for insert to portal_admin with check (true);
create policy change_series on meeting_series for update to portal_admin using (true) with check (true);
"""

DATES = """
-- The days of a series between two days, both included.
create function series_dates(s public.meeting_series, first date, last date) returns setof date language sql stable as $$
  select d::date
    from generate_series(greatest(s.starts_on, first)::timestamp, least(s.ends_on, last)::timestamp, interval '1 day') d
   cross join lateral (select (date_trunc('month', d) + interval '1 month - 1 day')::date as month_end) m
   where d::date <> all (s.skipped)
     and case s.repeats
           when 'daily' then true
           when 'weekly' then extract(isodow from d)::smallint = any (s.weekdays)
           when 'monthly-by-day' then extract(day from d) = least(s.month_day, extract(day from m.month_end))
           else extract(isodow from d)::smallint = any (s.weekdays)
                and case s.month_week when -1 then d::date + 7 > m.month_end
                                      else ceil(extract(day from d) / 7) = s.month_week end end
$$;

-- Where the clocks skip a wall time, the one they show instead: later by the gap. Any other is itself.
create function time_that_exists(day date, wall time, zone text) returns timestamp language sql stable as $$
  select ((day + wall) at time zone zone) at time zone zone
$$;
"""

HOLDING = """
-- Makes the meetings of one series, or of all, for so many days ahead; how many it made. Safe to repeat and to run twice
-- at once. The club's daily meeting comes last, since it is held only where nothing else is. Whoever is invited to the
-- meeting before of a private series is invited to the new one.
create function hold_series(one uuid, days integer, at timestamptz) returns integer language plpgsql as $$
declare
  made integer := 0;
  daily boolean;
  now_made integer;
begin
  perform pg_advisory_xact_lock(hashtext('meeting_series'));
  foreach daily in array array[false, true] loop
    with held as (
      insert into public.meetings (series_id, series_date, scheduled_date, start_time, timezone, duration, title, description,
                                   platform, max_attendees, requires_approval, is_private, host_id, created_by, origin)
      select s.id, day, starts::date, starts::time, s.timezone, s.duration, s.title, s.description,
             s.platform, s.max_attendees, s.requires_approval, s.is_private, s.host_id, s.created_by,
             case when s.only_if_free then 'daily-job' else 'series' end
        from public.meeting_series s
       cross join lateral (select (hold_series.at at time zone s.timezone)::date as today) t
       cross join lateral public.series_dates(s, t.today, t.today + days) day
       cross join lateral public.time_that_exists(day, s.start_time, s.timezone) starts
       where (one is null or s.id = one) and s.only_if_free = daily and starts at time zone s.timezone > hold_series.at
         and not (s.only_if_free and exists (
               select from public.meetings o
                where o.starts_at >= day::timestamp at time zone s.timezone
                  and o.starts_at < (day + 1)::timestamp at time zone s.timezone
                  and o.series_id is distinct from s.id and o.status <> 'cancelled' and not o.is_private))
       order by day, s.id
      on conflict do nothing
      returning id, series_id, series_date, is_private),
    invited as (
      insert into public.meeting_attendances (meeting_id, user_id, invited_at)
      select h.id, a.user_id, hold_series.at
        from held h
       cross join lateral (select m.id from public.meetings m
                            where m.series_id = h.series_id and m.series_date < h.series_date and m.status <> 'cancelled'
                            order by m.series_date desc limit 1) before
        join public.meeting_attendances a on a.meeting_id = before.id
        join public.users u on u.id = a.user_id and u.is_active
       where h.is_private
      on conflict do nothing)
    select count(*) into now_made from held;
    made := made + now_made;
  end loop;
  return made;
end $$;

-- After a series changed from a day on: what becomes of its meetings ahead. Those whose day is still one of it follow it
-- with their answers ('kept', or 'moved' when their hour changed); others go, without a trace where nobody answered or was
-- invited ('gone'), else called off with the reason ('cancelled'). `following` may be the series itself, or the one that
-- takes over from that day.
create function follow_series(series uuid, following uuid, from_day date, why text, at timestamptz)
returns table (meeting uuid, became text) language plpgsql as $$
declare s public.meeting_series;
begin
  perform pg_advisory_xact_lock(hashtext('meeting_series'));
  select * into strict s from public.meeting_series x where x.id = following;
  update public.meetings m set series_id = following
   where m.series_id = series and m.series_date >= from_day and series <> following;
  return query
  with ahead as (
    select m.id, m.series_date, m.starts_at, m.ends_at,
           exists (select from public.series_dates(s, m.series_date, m.series_date)) as stays,
           public.time_that_exists(m.series_date, s.start_time, s.timezone) as wall
      from public.meetings m
     where m.series_id = following and m.series_date >= from_day and m.status = 'scheduled'
       and m.starts_at > follow_series.at and not m.changed_alone
     order by m.id for no key update of m),
  kept as (
    update public.meetings m
       set title = s.title, description = s.description, host_id = s.host_id, platform = s.platform, duration = s.duration,
           max_attendees = s.max_attendees, requires_approval = s.requires_approval, is_private = s.is_private,
           scheduled_date = a.wall::date, start_time = a.wall::time, timezone = s.timezone, revision = m.revision + 1
      from ahead a
     where m.id = a.id and a.stays and a.wall at time zone s.timezone > follow_series.at
    returning m.id, case when (m.starts_at, m.ends_at) = (a.starts_at, a.ends_at) then 'kept' else 'moved' end),
  gone as (
    delete from public.meetings m using ahead a
     where m.id = a.id and not a.stays
       and not exists (select from public.meeting_attendances x where x.meeting_id = m.id)
    returning m.id, 'gone'),
  off as (
    update public.meetings m
       set status = 'cancelled', cancellation_reason = why, revision = m.revision + 1
      from ahead a
     where m.id = a.id and not a.stays
       and exists (select from public.meeting_attendances x where x.meeting_id = m.id)
    returning m.id, 'cancelled')
  select * from kept union all select * from gone union all select * from off;
end $$;
"""

RENAME = """
-- Who closed the account hosts nothing and is named nowhere.
create or replace function rename_host() returns trigger language plpgsql as $$
begin
  update public.meetings m
     set host_id = case when new.closed_at is null then m.host_id end,
         host_name = case when new.closed_at is null then left(public.display_name(new), 160) end
   where m.id in (select id from public.meetings where host_id = new.id order by id for no key update);{series}
  return null;
end $$;
"""
RENAME_SERIES = """
  update public.meeting_series set host_id = null where host_id = new.id and new.closed_at is not null;"""

# A flag nothing ever set; what a series made keeps its place as a meeting of its own.
DOWN = """
alter table meetings drop constraint fk_meetings_series_id_meeting_series;
drop table meeting_series;
alter table meetings drop constraint uq_meetings_series_id, drop constraint check_series, drop series_date, drop changed_alone,
  drop is_recurring, drop series_id;
alter table meetings add is_recurring boolean not null default false;
grant select (is_recurring) on meetings to portal_member, portal_admin;
grant insert (is_recurring) on meetings to portal_admin;
"""

SIGNATURES = {
    "series_dates(meeting_series, date, date)": "",
    "time_that_exists(date, time, text)": "",
    "hold_series(uuid, integer, timestamptz)": "portal_admin, portal_worker",
    "follow_series(uuid, uuid, date, text, timestamptz)": "portal_admin",
}


def upgrade() -> None:
    run(UP)
    close("meeting_series")
    run(POLICIES)
    run(DATES)
    run(HOLDING)
    run(RENAME.replace("{series}", RENAME_SERIES))
    definer("rename_host()")
    for signature, callers in SIGNATURES.items():
        if callers:
            definer(signature, to=callers)


def downgrade() -> None:
    run(RENAME.replace("{series}", ""))
    definer("rename_host()")
    run("drop function " + ", ".join(reversed(SIGNATURES)))
    run(DOWN)
