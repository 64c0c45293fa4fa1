-- Invites everybody who has access to a meeting, as long as it is open and not over: whoever has no row of it yet. How many
-- that were. One statement, in the order of the people. Of two at once the second waits and finds nobody left; whoever
-- makes a meeting private waits likewise (uninvite_everybody). Called by the worker (portal/attendance/invitations.py).
create function invite_everybody(meeting uuid, at timestamptz)
returns bigint language plpgsql security definer set search_path = '' as $$
declare
  invited bigint;
  knows_its_own boolean;
begin
  perform pg_advisory_xact_lock(hashtext('invitations'));
  select exists (select from public.club_domains) into knows_its_own;
  insert into public.meeting_attendances (meeting_id, user_id, invited_at, is_general, email_domain, is_external_domain)
  select m.id, u.id, at, true, split_part(u.email_key, '@', 2), knows_its_own and d.domain is null
    from public.meetings m
   cross join public.users u
    left join public.club_domains d on d.domain = split_part(u.email_key, '@', 2)
   where m.id = meeting and not m.is_private and m.status in ('scheduled', 'active') and m.ends_at > at
     and u.is_active and u.email_verified and u.access_until > at
     and not exists (select from public.meeting_attendances a where a.meeting_id = meeting and a.user_id = u.id)
   order by u.id
  on conflict do nothing;
  get diagnostics invited = row_count;
  return invited;
end
$$;
alter function invite_everybody owner to portal_definer;
revoke all on function invite_everybody from public;
grant execute on function invite_everybody to portal_worker;
