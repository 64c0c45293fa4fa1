-- Invites the people at these addresses: who had no invitation before. An address without an account is passed over, and
-- the answer is the same.
create function invite_guests(meeting uuid, addresses text[], later boolean)
returns table (refusal text, invited uuid[]) language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  meetings uuid[] := array(select public.private_meetings(meeting, later, at));
begin
  if meeting <> all (meetings) then
    refusal := 'over'; return next; return;
  end if;
  with new as (
    insert into public.meeting_attendances (meeting_id, user_id, invited_at)
    select m, u.id, at
      from unnest(meetings) m cross join public.users u
     where u.email_key = any (select lower(a) from unnest(addresses) a) and u.is_active and u.email_verified
     order by m, u.id
    on conflict do nothing
    returning user_id)
  select array_agg(distinct user_id) into invited from new;
  return next;
end
$$;
alter function invite_guests owner to portal_definer;
revoke all on function invite_guests from public;
grant execute on function invite_guests to portal_member, portal_admin;
