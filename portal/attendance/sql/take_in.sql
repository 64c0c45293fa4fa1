-- What a source (report, event, poll) saw in the room of a meeting, as a list of objects: identity, name, registrant,
-- account, email, is_host, session, joined_at, left_at, device. May come in any order, in parts and again: a stay is one row of its
-- participant, source and session, with its earliest coming and its latest leaving. Who has an address of their own is
-- known by it, and the account they are signed in to is theirs from then on; who came in by the host's is the host. The other meetings in which that account is
-- nobody's yet: `match_participants` finds them. Locks the meeting's row.
create function take_in(meeting uuid, source text, sightings jsonb, at timestamptz)
returns uuid[] language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  told_by constant text := source;
  host uuid;
  seen uuid[];
  learnt text[];
begin
  select m.host_id into host from public.meetings m where m.id = meeting for no key update;
  if not found then return '{}'; end if;
  with told as (
    select t.* from jsonb_to_recordset(sightings) as t (
      identity text, name text, registrant text, account text, email text, is_host boolean, session text,
      joined_at timestamptz, left_at timestamptz, device text)),
  known as (
    select t.identity, max(t.name) as name, max(t.account) as account, max(t.email) as email,
           coalesce(min(g.user_id::text)::uuid, case when bool_or(t.is_host) then host end) as user_id, bool_or(t.is_host) as is_host
      from told t left join public.room_registrants g on g.meeting_id = meeting and g.registrant_id = t.registrant
     group by t.identity),
  participant as (
    insert into public.participants as p (meeting_id, identity, name, account, email, user_id, matched_by)
    select meeting, k.identity, k.name, k.account, k.email, k.user_id,
           case when k.user_id is null then null when k.is_host then 'host' else 'registrant' end
      from known k
    on conflict on constraint uq_participants_identity do update
      set name = coalesce(nullif(excluded.name, ''), p.name), account = coalesce(excluded.account, p.account),
          email = coalesce(excluded.email, p.email),
          user_id = case when p.is_guest or p.matched_by = 'person' then p.user_id else coalesce(excluded.user_id, p.user_id) end,
          matched_by = case when p.is_guest or p.matched_by = 'person' then p.matched_by else coalesce(excluded.matched_by, p.matched_by) end
    returning p.id, p.identity, p.user_id),
  stay as (
    insert into public.presences as s (meeting_id, user_id, participant_id, source, session, joined_at, left_at, device_type)
    select meeting, p.user_id, p.id, told_by, t.session, min(t.joined_at), max(t.left_at),
           coalesce(min(t.device) filter (where t.device <> 'unknown'), 'unknown')
      from told t join participant p on p.identity = t.identity
     where t.joined_at is not null or t.left_at is not null
     group by p.id, p.user_id, t.session
    on conflict on constraint uq_presences_session do update
      set joined_at = least(s.joined_at, excluded.joined_at), left_at = greatest(s.left_at, excluded.left_at),
          device_type = case excluded.device_type when 'unknown' then s.device_type else excluded.device_type end
    returning s.user_id)
  select array_agg(distinct user_id) filter (where user_id is not null) into seen from stay;

  -- Whoever closed their account meanwhile stays nameless.
  update public.participants p set name = '', account = null, email = null
    from public.users u
   where p.meeting_id = meeting and u.id = p.user_id and u.closed_at is not null;

  with new as (
    insert into public.known_accounts (platform, account, user_id, learnt_at)
    select public.room_platform(meeting), p.account, min(p.user_id::text)::uuid, at
      from public.participants p
     where p.meeting_id = meeting and p.matched_by = 'registrant' and p.account is not null
     group by p.account having count(distinct p.user_id) = 1
    on conflict do nothing
    returning account)
  select array_agg(account) into learnt from new;
  perform public.match_participants(meeting, seen, at);
  return array(select distinct p.meeting_id from public.participants p
                where p.account = any (learnt) and p.user_id is null and not p.is_guest and p.meeting_id <> meeting);
end
$$;
alter function take_in owner to portal_definer;
revoke all on function take_in from public;
grant execute on function take_in to portal_worker;
