-- Who the participants of a meeting are that nobody knows yet: whose account it is, else whose verified address they are
-- signed in with. Whom an account told that is somebody else's by now, or nobody's, are to be known anew. Then everybody of whom something changed, and those in `seen`, have it in their rows; a meeting that is
-- settled is settled again. Locks the meeting's row.
create function match_participants(meeting uuid, seen uuid[], at timestamptz)
returns void language plpgsql security definer set search_path = '' as $$
declare
  state text;
  people uuid[];
begin
  select m.status into state from public.meetings m where m.id = meeting for no key update;
  update public.participants p set user_id = null, matched_by = null
   where p.meeting_id = meeting and p.matched_by = 'account' and p.account is not null and public.room_platform(meeting) <> 'link'
     and not exists (select from public.known_accounts k
                      where k.platform = public.room_platform(meeting) and k.account = p.account and k.user_id = p.user_id);
  update public.participants p set user_id = k.user_id, matched_by = 'account'
    from public.known_accounts k
   where p.meeting_id = meeting and p.user_id is null and not p.is_guest
     and k.platform = public.room_platform(meeting) and k.account = p.account;
  update public.participants p set user_id = u.id, matched_by = 'email'
    from public.users u
   where p.meeting_id = meeting and p.user_id is null and not p.is_guest and u.email_key = lower(p.email) and u.email_verified;
  people := array(select s.user_id from public.presences s join public.participants p on p.id = s.participant_id
                   where s.meeting_id = meeting and s.user_id is distinct from p.user_id and s.user_id is not null);
  with known as (
    update public.presences s set user_id = p.user_id
      from public.participants p
     where s.meeting_id = meeting and p.id = s.participant_id and s.user_id is distinct from p.user_id
    returning s.user_id)
  select people || array_agg(k.user_id) into people from known k where k.user_id is not null;
  people := array(select distinct unnest(people || seen));
  if cardinality(people) > 0 then perform public.refresh_attendance(meeting, people); end if;
  if state = 'completed' then perform public.settle(meeting, at); end if;
end
$$;
alter function match_participants owner to portal_definer;
revoke all on function match_participants from public;
grant execute on function match_participants to portal_worker;
