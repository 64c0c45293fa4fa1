"""v2.8: a host is called as the person is, hears of requests and answers them; places pass on where they stood still.

A request is decided as an answer is: offers that ran out are free, nobody without access gets a place, and whoever a
family too large would keep waiting is seated. Moving a meeting cuts offers that would outlast its last hour.

Revision ID: v2.8_hosts
Revises: v2.6_live
"""

from portal.database.migration import definer, rewrite, run

revision = "v2.8_hosts"
down_revision = "v2.6_live"
branch_labels = None
depends_on = None

NAMES = """
-- As the pages do: first and last name, either, or the mailbox of the address.
create function display_name(u public.users) returns text language sql immutable as $$
  select coalesce(nullif(concat_ws(' ', nullif(u.first_name, ''), nullif(u.last_name, '')), ''), split_part(u.email, '@', 1))
$$;

create function name_host() returns trigger language plpgsql as $$
begin
  new.host_name := (select left(public.display_name(u), 160) from public.users u where u.id = new.host_id);
  return new;
end $$;
create trigger name_host_on_insert before insert on meetings
  for each row when (new.host_id is not null) execute function name_host();
create trigger name_host before update of host_id on meetings
  for each row when (new.host_id is distinct from old.host_id) execute function name_host();

-- Who closed the account hosts nothing and is named nowhere.
create function rename_host() returns trigger language plpgsql as $$
begin
  update public.meetings m
     set host_id = case when new.closed_at is null then m.host_id end,
         host_name = case when new.closed_at is null then left(public.display_name(new), 160) end
   where m.id in (select id from public.meetings where host_id = new.id order by id for no key update);
  return null;
end $$;
create trigger rename_host after update of first_name, last_name, email, closed_at on users for each row
  when ((old.first_name, old.last_name, old.email, old.closed_at)
        is distinct from (new.first_name, new.last_name, new.email, new.closed_at))
  execute function rename_host();
"""

# What was copied long ago is put right once.
OLD_NAMES = """
update meetings m set host_name = left(display_name(u), 160) from users u
 where u.id = m.host_id and u.closed_at is null and m.host_name is distinct from left(display_name(u), 160);
update meetings m set host_id = null from users u where u.id = m.host_id and u.closed_at is not null
"""

REQUESTS = """
-- Whose word counts for a meeting besides their own answer: its host's and an admin's.
create function runs_meeting(meeting uuid) returns boolean language sql stable as $$
  select current_setting('role') = 'portal_admin'
      or exists (select from public.meetings m where m.id = meeting and m.host_id = auth.uid())
$$;

-- Who asks for a place, in order, by name: for the host and admins.
create function requests_of(meeting uuid) returns table (user_id uuid, name text, asked_at timestamptz)
language sql stable as $$
  select u.id, public.display_name(u), a.responded_at
    from public.meeting_attendances a join public.users u on u.id = a.user_id
   where a.meeting_id = meeting and a.answer = 'requested' and public.runs_meeting(meeting)
   order by a.responded_at, a.id limit 200
$$;

drop function decide_request(uuid, uuid, boolean, text, timestamptz);
-- The host's or an admin's word on a request: what it became, null if nobody asked (any more), and who was offered a
-- place meanwhile. Accepting when full, or when others wait, puts the person in the line.
create function decide_request(meeting uuid, person uuid, accept boolean, why text, at timestamptz)
returns table (answer text, offered uuid[]) language plpgsql as $$
#variable_conflict use_column
declare m public.meetings;
begin
  if not public.runs_meeting(meeting) then raise insufficient_privilege; end if;
  perform from public.meetings x where x.id = meeting for no key update;
  perform public.lapse_offers(meeting, at);
  offered := public.promote(meeting, at);
  select * into m from public.meetings x where x.id = meeting;
  answer := case when not accept then 'rejected'
                 when not public.entitled(person, at) then 'withdrawn'
                 when (m.max_attendees is null or m.seats_taken < m.max_attendees)
                      and (m.waiting_count = 0 or at > m.starts_at - interval '1 hour') then 'accepted'
                 else 'waitlisted' end;
  update public.meeting_attendances x
     set answer = decide_request.answer, responded_at = at,
         reason = case decide_request.answer when 'rejected' then why when 'withdrawn' then 'Your access ended before it.' end,
         waiting_since = case when decide_request.answer = 'waitlisted' then at end
   where x.meeting_id = meeting and x.user_id = person and x.answer = 'requested'
     and m.status in ('scheduled', 'active') and m.ends_at > at;
  if not found then
    answer := null;
  elsif answer = 'waitlisted' then
    offered := offered || public.seat_past_parties(meeting, array[person], at);
    answer := (select x.answer from public.meeting_attendances x where x.meeting_id = meeting and x.user_id = person);
  end if;
  return next;
end $$;
"""

TEND_LINE = """
-- Housekeeping for one meeting: offers end with its last hour, those that ran out lapse, and whoever is next is offered.
-- Who has to be told: of a new offer, or of an older one's new end. Also after more places were added or it was moved.
create or replace function tend_line(meeting uuid, at timestamptz) returns uuid[] language plpgsql as $$
declare
  latest timestamptz;
  told uuid[];
begin
  select greatest(at + interval '15 minutes', m.starts_at - interval '1 hour') into latest
    from public.meetings m where m.id = meeting for no key update;
  with cut as (
    update public.meeting_attendances a set offer_expires_at = latest
     where a.meeting_id = meeting and a.answer = 'offered' and a.offer_expires_at > latest
    returning a.user_id)
  select array_agg(user_id) into told from cut;
  perform public.lapse_offers(meeting, at);
  return told || public.promote(meeting, at);
end $$;
"""

BEFORE = """
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

create or replace function tend_line(meeting uuid, at timestamptz) returns uuid[] language plpgsql as $$
begin
  perform from public.meetings x where x.id = meeting for no key update;
  perform public.lapse_offers(meeting, at);
  return public.promote(meeting, at);
end $$;

create function member_count(at timestamptz) returns bigint language sql stable as $$
  select count(*) from public.users where access_until > at and is_active
$$;
"""

MEMBERS = "portal_member, portal_admin"
DECIDE = "decide_request(uuid, uuid, boolean, text, timestamptz)"
SIGNATURES = {
    "name_host()": "",
    "rename_host()": "",
    "runs_meeting(uuid)": "",
    "requests_of(uuid)": MEMBERS,
}


def upgrade() -> None:
    run(NAMES)
    rewrite(OLD_NAMES)
    run(REQUESTS)
    run(TEND_LINE)
    run("drop function member_count(timestamptz)")
    for signature, callers in SIGNATURES.items():
        definer(signature, to=callers)
    definer(DECIDE, to=MEMBERS)
    definer("tend_line(uuid, timestamptz)", to="portal_worker, portal_admin")


def downgrade() -> None:
    run("""
      drop trigger name_host_on_insert on meetings;
      drop trigger name_host on meetings;
      drop trigger rename_host on users;
    """)
    run("drop function " + ", ".join([*SIGNATURES, DECIDE]))
    run(BEFORE)
    definer(DECIDE, to="portal_admin")
    definer("tend_line(uuid, timestamptz)", to="portal_worker, portal_admin")
    definer("member_count(timestamptz)", to="portal_anonymous, portal_member, portal_admin")
    run("drop function display_name(users)")
