"""v2.0, third part: answers with a line, offers that run out, presence in intervals.

Two facts per person and meeting: the answer, and (after the meeting) the outcome. `status` is their summary. All
that is scarce is decided inside `answer_meeting`, which holds the meeting's row while it looks and writes
(READ COMMITTED: the lock makes it see every earlier commit); the check on the counter is the last word.

Revision ID: v2.0_attendance
Revises: v2.0_access
"""

from portal.database.migration import close, definer, rewrite, run

revision = "v2.0_attendance"
down_revision = "v2.0_access"
branch_labels = None
depends_on = None

ANSWERS = "'invited', 'accepted', 'declined', 'requested', 'rejected', 'waitlisted', 'offered', 'withdrawn'"

UP = f"""
alter table meetings
  add host_id uuid constraint fk_meetings_host_id_users references users on delete set null,
  add host_name text constraint check_host_name check (char_length(host_name) <= 160),
  add requires_approval boolean not null default false,
  add provision_state text not null default 'none'
    constraint check_provision_state check (provision_state in ('none', 'requested', 'ready', 'failed', 'gone')),
  add origin text not null default 'admin' constraint check_origin check (origin in ('admin', 'series', 'daily-job')),
  add revision integer not null default 0,
  add cancellation_reason text constraint check_cancellation_reason check (char_length(cancellation_reason) <= 300),
  add archived_at timestamptz,
  add archived_from text,
  add seats_taken integer not null default 0,
  add seats_kept integer not null default 0,
  add waiting_count integer not null default 0,
  add request_count integer not null default 0,
  drop constraint check_meeting_status,
  add constraint check_meeting_status check (status in ('scheduled', 'active', 'completed', 'cancelled', 'archived')),
  add constraint check_archived check ((status = 'archived') = (archived_at is not null)),
  add constraint check_seats check (max_attendees is null or seats_taken <= greatest(max_attendees, seats_kept));
create index ix_meetings_host_id on meetings (host_id);

-- Lowering the number of places throws nobody out: who has a seat keeps it.
create function keep_seats() returns trigger language plpgsql as $$
begin
  new.seats_kept := case when new.seats_taken > new.max_attendees then new.seats_taken else 0 end;
  return new;
end $$;
create trigger keep_seats before update of max_attendees on meetings for each row execute function keep_seats();

alter table meeting_attendances
  add answer text not null default 'invited' constraint check_answer check (answer in ({ANSWERS})),
  add outcome text constraint check_outcome check (outcome in ('attended', 'no_show')),
  add waiting_since timestamptz,
  add offer_expires_at timestamptz,
  add reason text constraint check_reason check (char_length(reason) <= 300),
  add constraint check_waiting_since check ((answer = 'waitlisted') = (waiting_since is not null)),
  add constraint check_offer_expires check ((answer = 'offered') = (offer_expires_at is not null));
"""

# The old status was the answer until the meeting, and the outcome afterwards: who came or did not had said yes.
OLD_ANSWERS = """
update meeting_attendances set
  answer = case when status in ('attended', 'no_show') then 'accepted' else status end,
  outcome = case when status in ('attended', 'no_show') then status end;
update meetings m set
  seats_taken = n.taken, seats_kept = case when n.taken > m.max_attendees then n.taken else 0 end, attendee_count = n.came
  from (select meeting_id, count(*) filter (where answer = 'accepted') as taken, count(joined_at) as came
          from meeting_attendances group by meeting_id) n
 where m.id = n.meeting_id;
update meetings set cancellation_reason = 'called off' where status = 'cancelled'
"""

SUMMARY = f"""
alter table meetings
  add constraint check_cancelled_why check (status <> 'cancelled' or cancellation_reason is not null);
drop view user_engagement, meeting_statistics;
alter table meeting_attendances drop status;
alter table meeting_attendances
  add status text not null generated always as (coalesce(outcome, answer)) stored
    constraint check_attendance_status check (status in ('attended', 'no_show', {ANSWERS}));
create index ix_meeting_attendances_waiting on meeting_attendances (meeting_id, waiting_since, id) where answer = 'waitlisted';
create index ix_meeting_attendances_offers on meeting_attendances (offer_expires_at) where answer = 'offered';
"""

PRESENCES = """
create table presences (
  id uuid constraint pk_presences primary key default new_id(),
  meeting_id uuid not null constraint fk_presences_meeting_id_meetings references meetings on delete cascade,
  user_id uuid not null constraint fk_presences_user_id_users references users on delete cascade,
  joined_at timestamptz not null,
  -- Set by the room page's heartbeat; who never had one is believed until the end of the meeting.
  seen_at timestamptz,
  left_at timestamptz constraint check_presence_order check (left_at >= joined_at),
  device_type text not null constraint check_presence_device check (device_type in ('desktop', 'mobile', 'tablet', 'unknown'))
);
create index ix_presences_meeting_id on presences (meeting_id, user_id);
create index ix_presences_user_id on presences (user_id);
create index ix_presences_open on presences (meeting_id) where left_at is null;

-- The four numbers on a meeting, kept by the very statement that changes what they count.
create function count_seats() returns trigger language plpgsql as $$
declare
  was text := case when tg_op <> 'INSERT' then old.answer else '' end;
  is_now text := case when tg_op <> 'DELETE' then new.answer else '' end;
  came integer := (tg_op <> 'DELETE' and new.joined_at is not null)::int - (tg_op <> 'INSERT' and old.joined_at is not null)::int;
begin
  update public.meetings set
    seats_taken = seats_taken + (is_now in ('accepted', 'offered'))::int - (was in ('accepted', 'offered'))::int,
    waiting_count = waiting_count + (is_now = 'waitlisted')::int - (was = 'waitlisted')::int,
    request_count = request_count + (is_now = 'requested')::int - (was = 'requested')::int,
    attendee_count = attendee_count + came
  where id = case when tg_op = 'DELETE' then old.meeting_id else new.meeting_id end;
  return null;
end $$;
create trigger count_seats_on_insert after insert on meeting_attendances for each row
  when (new.answer <> 'invited' or new.joined_at is not null) execute function count_seats();
create trigger count_seats_on_update after update on meeting_attendances for each row
  when (old.answer <> new.answer or (old.joined_at is null) <> (new.joined_at is null)) execute function count_seats();
create trigger count_seats_on_delete after delete on meeting_attendances for each row execute function count_seats();
"""

VIEWS = """
create view meeting_statistics with (security_invoker = true) as
select m.id, m.title, m.scheduled_date, m.status,
       s.invited_count, s.attended_count, s.external_attendees, s.avg_duration
  from meetings m
 cross join lateral (
   select count(*) as invited_count,
          count(*) filter (where a.status = 'attended') as attended_count,
          count(*) filter (where a.status = 'attended' and a.is_external_domain) as external_attendees,
          avg(a.join_duration) as avg_duration
     from meeting_attendances a where a.meeting_id = m.id) s;

create view user_engagement with (security_invoker = true) as
select u.id, u.email, u.subscription_status,
       s.meetings_invited, s.meetings_attended, s.avg_meeting_duration, s.last_meeting_attended
  from users u
 cross join lateral (
   select count(*) as meetings_invited,
          count(*) filter (where a.status = 'attended') as meetings_attended,
          avg(a.join_duration) as avg_meeting_duration,
          max(a.joined_at) as last_meeting_attended
     from meeting_attendances a where a.user_id = u.id) s;

grant select on meeting_statistics to portal_admin, portal_worker;
grant select on user_engagement to portal_admin, portal_worker;
"""

POLICIES = """
grant select (host_id, host_name, requires_approval, provision_state, origin, revision, cancellation_reason, archived_at,
              archived_from, seats_taken, waiting_count, request_count)
  on meetings to portal_member, portal_admin;
grant insert (host_id, host_name, requires_approval, origin) on meetings to portal_admin;
grant update (host_id, host_name, requires_approval, revision, cancellation_reason) on meetings to portal_admin;

grant select on presences to portal_member, portal_admin;
create policy own on presences for select to portal_member using (user_id = (select auth.uid()));
create policy everybody on presences for select to portal_admin using (true);
"""

ANSWERING = """
-- Seats whose offer ran out are free again, whether or not a job has been by.
create function lapse_offers(meeting uuid, at timestamptz) returns void language sql as $$
  update public.meeting_attendances a
     set answer = 'withdrawn', offer_expires_at = null, responded_at = at, reason = 'The offer ran out.'
   where a.meeting_id = meeting and a.answer = 'offered' and a.offer_expires_at <= at
     and exists (select from public.meetings m where m.id = meeting and m.status in ('scheduled', 'active'))
$$;

-- Free seats go to the next in line, to be taken until the offer runs out: 12 hours, at the latest an hour before the
-- start, at least 15 minutes. In the last hour nobody is offered one: the first to click has it.
-- The caller holds the meeting's row.
create function promote(meeting uuid, at timestamptz) returns uuid[] language plpgsql as $$
declare offered uuid[];
begin
  with room as (
    select greatest(0, coalesce(max_attendees, seats_taken + waiting_count) - seats_taken) as free,
           greatest(at + interval '15 minutes', least(at + interval '12 hours', starts_at - interval '1 hour')) as until
      from public.meetings
     where id = meeting and status = 'scheduled' and at <= starts_at - interval '1 hour' and waiting_count > 0),
  next_in_line as (
    select a.id, room.until from room cross join lateral (
      select id from public.meeting_attendances
       where meeting_id = meeting and answer = 'waitlisted'
       order by waiting_since, id limit room.free) a),
  told as (
    update public.meeting_attendances a
       set answer = 'offered', waiting_since = null, offer_expires_at = n.until
      from next_in_line n where a.id = n.id
    returning a.user_id)
  select array_agg(user_id) into offered from told;
  return coalesce(offered, '{}');
end $$;

-- What one person wants of one meeting: 'accepted' or 'declined'. Answers with the answer now, whether it changed,
-- why not (a word the portal turns into a sentence), and who was offered a seat by it. The same wish twice is once.
create function decide(m public.meetings, person uuid, wish text, at timestamptz)
returns table (answer text, changed boolean, refusal text, offered uuid[]) language plpgsql as $$
#variable_conflict use_column
declare
  a public.meeting_attendances;
  was text;
  becomes text;
begin
  select * into a from public.meeting_attendances x where x.meeting_id = m.id and x.user_id = person;
  was := coalesce(a.answer, 'none');
  offered := '{}';
  changed := false;

  if m.status = 'cancelled' then refusal := 'cancelled';
  elsif m.status in ('completed', 'archived') or m.ends_at <= at then refusal := 'over';
  elsif wish = 'accepted' and not public.entitled(person, at) then refusal := 'no-access';
  elsif wish = 'accepted' and was = 'rejected' then refusal := 'rejected';
  end if;
  if refusal is not null then answer := was; return next; return; end if;

  becomes := case
    when wish = 'declined' then
      case when was in ('waitlisted', 'requested', 'offered') then 'withdrawn'
           when was in ('rejected', 'withdrawn') then was
           else 'declined' end
    when was in ('accepted', 'offered') then 'accepted'
    when m.requires_approval and was <> 'waitlisted' then 'requested'
    when (m.max_attendees is null or m.seats_taken < m.max_attendees)
         and (m.waiting_count = 0 or at > m.starts_at - interval '1 hour') then 'accepted'
    else 'waitlisted' end;

  answer := becomes;
  if becomes <> was then
    changed := true;
    insert into public.meeting_attendances as x (meeting_id, user_id, answer, responded_at, waiting_since, invited_at, reason)
    values (m.id, person, becomes, at, case when becomes = 'waitlisted' then at end, at, null)
    on conflict on constraint uq_meeting_attendances_meeting_id do update
      set answer = excluded.answer, responded_at = excluded.responded_at, waiting_since = excluded.waiting_since,
          offer_expires_at = null, reason = null;
    if was in ('accepted', 'offered') and becomes <> 'accepted' then
      offered := public.promote(m.id, at);
    end if;
  end if;
  return next;
end $$;

create function answer_meeting(meeting uuid, wish text, at timestamptz)
returns table (answer text, changed boolean, refusal text, offered uuid[]) language plpgsql as $$
#variable_conflict use_column
declare
  m public.meetings;
  tended uuid[] := '{}';
begin
  if wish not in ('accepted', 'declined') then
    raise exception 'an answer is accepted or declined' using errcode = 'check_violation', constraint = 'check_answer';
  end if;
  select * into m from public.meetings x where x.id = meeting for no key update;
  if m.id is null or auth.uid() is null or (m.is_private and not exists (
       select from public.meeting_attendances x where x.meeting_id = meeting and x.user_id = auth.uid())) then
    return;
  end if;
  if exists (select from public.meeting_attendances x
              where x.meeting_id = meeting and x.answer = 'offered' and x.offer_expires_at <= at) then
    perform public.lapse_offers(meeting, at);
    tended := public.promote(meeting, at);
    select * into m from public.meetings x where x.id = meeting;
  end if;
  return query select d.answer, d.changed, d.refusal, tended || d.offered
                 from public.decide(m, auth.uid(), wish, at) d;
end $$;

-- An admin's word on a request. Accepting when full, or when others wait, puts the person in the line.
create function decide_request(meeting uuid, person uuid, accept boolean, why text, at timestamptz)
returns text language plpgsql as $$
declare m public.meetings; becomes text;
begin
  if current_setting('role') <> 'portal_admin' then raise insufficient_privilege; end if;
  select * into m from public.meetings x where x.id = meeting for no key update;
  becomes := case when not accept then 'rejected'
                  when m.waiting_count = 0 and (m.max_attendees is null or m.seats_taken < m.max_attendees) then 'accepted'
                  else 'waitlisted' end;
  update public.meeting_attendances x
     set answer = becomes, responded_at = at, reason = case when accept then null else why end,
         waiting_since = case when becomes = 'waitlisted' then at end
   where x.meeting_id = meeting and x.user_id = person and x.answer = 'requested'
     and m.status in ('scheduled', 'active') and m.ends_at > at;
  return case when found then becomes end;
end $$;

-- Housekeeping for one meeting: lapsed offers, then whoever is next. Also after more places were added.
create function tend_line(meeting uuid, at timestamptz) returns uuid[] language plpgsql as $$
begin
  perform from public.meetings x where x.id = meeting for no key update;
  perform public.lapse_offers(meeting, at);
  return public.promote(meeting, at);
end $$;

-- How many stand before me in the line of this meeting, and I: 1 is next. Null if I am not waiting.
create function waiting_position(meeting uuid) returns integer language sql stable as $$
  select (select count(*) from public.meeting_attendances o
           where o.meeting_id = meeting and o.answer = 'waitlisted'
             and (o.waiting_since, o.id) <= (me.waiting_since, me.id))::integer
    from public.meeting_attendances me
   where me.meeting_id = meeting and me.user_id = auth.uid() and me.answer = 'waitlisted'
$$;
"""

PRESENCE = """
-- Through the door: checks window, access and answer again, and notes who came when and with what.
create function join_meeting(meeting uuid, device text, doors_minutes integer, at timestamptz)
returns table (refusal text, changed boolean, offered uuid[]) language plpgsql as $$
#variable_conflict use_column
declare
  m public.meetings;
  said text;
begin
  select a.answer, a.refusal, a.offered into said, refusal, offered from public.answer_meeting(meeting, 'accepted', at) a;
  if said is null then refusal := 'unknown'; return next; return; end if;
  select * into m from public.meetings x where x.id = meeting;
  refusal := coalesce(refusal,
    case when at < m.starts_at - make_interval(mins => doors_minutes) then 'early'
         when said = 'waitlisted' then 'full'
         when said <> 'accepted' then said end);
  if refusal is not null then
    return next; return;
  end if;
  insert into public.presences (meeting_id, user_id, joined_at, device_type)
  select meeting, auth.uid(), at, device
   where not exists (select from public.presences p
                      where p.meeting_id = meeting and p.user_id = auth.uid() and p.left_at is null);
  changed := found;
  update public.meeting_attendances x
     set joined_at = coalesce(x.joined_at, at), device_type = coalesce(x.device_type, device), left_at = null
   where x.meeting_id = meeting and x.user_id = auth.uid();
  return next;
end $$;

-- Minutes in the room: the union of a person's intervals, clipped to half an hour before the start and four after the end.
create function minutes_inside(meeting uuid, person uuid) returns integer language sql stable as $$
  select coalesce(round(sum(extract(epoch from upper(r) - lower(r))) / 60), 0)::integer
    from (select unnest(range_agg(tstzrange(p.joined_at, coalesce(p.left_at, m.ends_at), '[]')
                        * tstzrange(m.starts_at - interval '30 minutes', m.ends_at + interval '4 hours'))) as r
            from public.presences p join public.meetings m on m.id = p.meeting_id
           where p.meeting_id = meeting and p.user_id = person and coalesce(p.left_at, m.ends_at) >= p.joined_at) i
$$;

-- Closes open intervals at their end and brings the attendance row after them.
create function close_presences(meeting uuid, person uuid, stale_before timestamptz, at timestamptz)
returns integer language plpgsql as $$
declare closed uuid[];
begin
  with gone as (
    update public.presences p
       set left_at = greatest(p.joined_at, case when stale_before is null then at else p.seen_at end)
     where p.meeting_id = meeting and p.left_at is null and (person is null or p.user_id = person)
       and (stale_before is null or p.seen_at < stale_before)
    returning p.user_id)
  select array_agg(distinct user_id) into closed from gone;
  update public.meeting_attendances a
     set left_at = (select max(p.left_at) from public.presences p where p.meeting_id = meeting and p.user_id = a.user_id),
         join_duration = public.minutes_inside(meeting, a.user_id)
   where a.meeting_id = meeting and a.user_id = any (closed);
  return coalesce(cardinality(closed), 0);
end $$;

create function leave_meeting(meeting uuid, at timestamptz) returns boolean language sql as $$
  select public.close_presences(meeting, auth.uid(), null, at) > 0
$$;

create function still_here(meeting uuid, at timestamptz) returns void language sql as $$
  update public.presences set seen_at = at where meeting_id = meeting and user_id = auth.uid() and left_at is null
$$;

-- After the meeting: who came is who stayed five minutes, or a fifth of a short one. Said yes and did not: no-show.
create function settle(meeting uuid, at timestamptz) returns void language plpgsql as $$
declare enough integer; first_in timestamptz; last_out timestamptz;
begin
  perform public.close_presences(meeting, null, null, least(at, (select ends_at from public.meetings where id = meeting)));
  select min(p.joined_at), max(p.left_at) into first_in, last_out from public.presences p where p.meeting_id = meeting;
  update public.meetings set status = 'completed', actual_duration = round(extract(epoch from last_out - first_in) / 60)
   where id = meeting and status in ('scheduled', 'active')
   returning least(5, ceil(coalesce(actual_duration, duration) / 5.0)) into enough;
  if not found then return; end if;
  update public.meeting_attendances a
     set outcome = case when a.join_duration >= enough then 'attended' when a.answer = 'accepted' then 'no_show' end
   where a.meeting_id = meeting and (a.answer = 'accepted' or a.join_duration is not null) and a.outcome is null;
end $$;
"""

READING = """
-- What a passer-by may know of what is on.
create function public_programme(at timestamptz, most integer) returns table (
  id uuid, title text, starts_at timestamptz, ends_at timestamptz, duration integer, timezone text, platform text,
  host_name text, max_attendees integer, seats_taken integer, waiting_count integer, requires_approval boolean)
language sql stable as $$
  select id, title, starts_at, ends_at, duration, timezone, platform, host_name, max_attendees, seats_taken,
         waiting_count, requires_approval
    from public.meetings
   where not is_private and status in ('scheduled', 'active') and ends_at > at
   order by starts_at, id limit most
$$;

create function member_count(at timestamptz) returns bigint language sql stable as $$
  select count(*) from public.users where access_until > at and is_active
$$;

-- What is the same for everybody who may watch: the numbers of these meetings.
create function boards(meetings uuid[]) returns table (
  id uuid, title text, host_name text, platform text, starts_at timestamptz, ends_at timestamptz, duration integer,
  timezone text, status text, max_attendees integer, seats_taken integer, waiting_count integer,
  attendee_count integer, cancellation_reason text, here bigint)
language sql stable as $$
  select m.id, m.title, m.host_name, m.platform, m.starts_at, m.ends_at, m.duration, m.timezone, m.status,
         m.max_attendees, m.seats_taken, m.waiting_count, m.attendee_count, m.cancellation_reason,
         (select count(distinct p.user_id) from public.presences p where p.meeting_id = m.id and p.left_at is null)
    from public.meetings m
   where m.id = any (meetings)
     and (not m.is_private or current_setting('role') in ('none', 'portal_admin') or exists (
       select from public.meeting_attendances a where a.meeting_id = m.id and a.user_id = auth.uid()))
$$;

-- First names of who is here, for those who may come in themselves, and for the live process (which is nobody).
create function rolls(meetings uuid[], at timestamptz) returns table (
  meeting_id uuid, name text, since timestamptz, is_host boolean)
language sql stable as $$
  select p.meeting_id, coalesce(u.first_name, split_part(u.email, '@', 1)), min(p.joined_at), u.id = m.host_id
    from public.presences p
    join public.users u on u.id = p.user_id
    join public.meetings m on m.id = p.meeting_id
   where p.meeting_id = any (meetings) and p.left_at is null
     and (current_setting('role') in ('none', 'portal_admin')
          or (public.entitled(auth.uid(), at) and (not m.is_private or exists (
                select from public.meeting_attendances a where a.meeting_id = m.id and a.user_id = auth.uid()))))
   group by p.meeting_id, u.id, m.host_id
   order by 3 desc, 2
$$;

-- May this sign-in still watch this meeting, and (with names) see who is there?
create function may_watch(sign_in uuid, meeting uuid, names boolean, at timestamptz) returns boolean language sql stable as $$
  select exists (
    select from public.sign_ins s join public.users u on u.id = s.user_id join public.meetings m on m.id = meeting
     where s.id = sign_in and s.ended_at is null and u.is_active and s.seen_at > at - interval '14 days'
       and (not names or u.is_admin or u.access_until > at)
       and (not m.is_private or u.is_admin or exists (
         select from public.meeting_attendances a where a.meeting_id = meeting and a.user_id = u.id)))
$$;
"""

SIGNATURES = {
    "count_seats()": "",
    "lapse_offers(uuid, timestamptz)": "",
    "promote(uuid, timestamptz)": "",
    "decide(meetings, uuid, text, timestamptz)": "",
    "answer_meeting(uuid, text, timestamptz)": "portal_member, portal_admin",
    "decide_request(uuid, uuid, boolean, text, timestamptz)": "portal_admin",
    "tend_line(uuid, timestamptz)": "portal_worker, portal_admin",
    "waiting_position(uuid)": "portal_member, portal_admin",
    "join_meeting(uuid, text, integer, timestamptz)": "portal_member, portal_admin",
    "minutes_inside(uuid, uuid)": "",
    "close_presences(uuid, uuid, timestamptz, timestamptz)": "portal_worker",
    "leave_meeting(uuid, timestamptz)": "portal_member, portal_admin",
    "still_here(uuid, timestamptz)": "portal_member, portal_admin",
    "settle(uuid, timestamptz)": "portal_worker",
    "public_programme(timestamptz, integer)": "portal_anonymous, portal_member, portal_admin",
    "member_count(timestamptz)": "portal_anonymous, portal_member, portal_admin",
    "boards(uuid[])": "portal_web, portal_member, portal_admin",
    "rolls(uuid[], timestamptz)": "portal_web, portal_member, portal_admin",
    "may_watch(uuid, uuid, boolean, timestamptz)": "portal_web",
}


def upgrade() -> None:
    run(UP)
    rewrite(OLD_ANSWERS)
    run(SUMMARY)
    run(PRESENCES)
    run(VIEWS)
    close("presences")
    run(POLICIES)
    run(ANSWERING)
    run(PRESENCE)
    run(READING)
    for signature, callers in SIGNATURES.items():
        definer(signature, to=callers)


def downgrade() -> None:
    run("drop view user_engagement, meeting_statistics")
    run("""
      drop trigger count_seats_on_insert on meeting_attendances;
      drop trigger count_seats_on_update on meeting_attendances;
      drop trigger count_seats_on_delete on meeting_attendances;
      drop table presences;
    """)
    run("drop function " + ", ".join(SIGNATURES))
    run("""
      alter table meeting_attendances add old_status text not null default 'invited'
        constraint check_old_status check (old_status in ('invited', 'accepted', 'declined', 'attended', 'no_show'))
    """)
    rewrite("""
      update meeting_attendances set old_status = case
        when outcome is not null then outcome when answer in ('accepted', 'declined') then answer else 'invited' end;
      update meetings set status = coalesce(archived_from, 'completed'), archived_at = null,
             cancellation_reason = coalesce(cancellation_reason, 'called off')
       where status = 'archived'
    """)
    run("""
      alter table meeting_attendances drop status;
      alter table meeting_attendances rename old_status to status;
      alter table meeting_attendances rename constraint check_old_status to check_attendance_status;
      alter table meeting_attendances
        drop answer, drop outcome, drop waiting_since, drop offer_expires_at, drop reason;
      drop trigger keep_seats on meetings;
      drop function keep_seats();
      alter table meetings
        drop constraint check_meeting_status,
        add constraint check_meeting_status check (status in ('scheduled', 'active', 'completed', 'cancelled')),
        drop host_id, drop host_name, drop requires_approval, drop provision_state, drop origin, drop revision,
        drop cancellation_reason, drop archived_at, drop archived_from, drop seats_taken, drop seats_kept,
        drop waiting_count, drop request_count;
    """)
    run(VIEWS)
