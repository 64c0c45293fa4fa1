-- Invites the people at these addresses: who had no invitation before. If somebody is unknown nobody is invited.
create function invite_guests(meeting uuid, addresses text[], later boolean)
returns table (refusal text, unknown text[], invited uuid[]) language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  meetings uuid[] := array(select public.private_meetings(meeting, later, at));
begin
  unknown := array(select a from unnest(addresses) with ordinality as typed (a, n) where not exists (
    select from public.users u where u.email_key = lower(a) and u.is_active and u.email_verified) order by n);
  refusal := case when meeting <> all (meetings) then 'over' when unknown <> '{}' then 'unknown' end;
  if refusal is null then
    with new as (
      insert into public.meeting_attendances (meeting_id, user_id, invited_at)
      select m, u.id, at
        from unnest(meetings) m cross join public.users u
       where u.email_key = any (select lower(a) from unnest(addresses) a)
       order by m, u.id
      on conflict do nothing
      returning user_id)
    select array_agg(distinct user_id) into invited from new;
  end if;
  return next;
end
$$;
alter function invite_guests owner to portal_definer;
revoke all on function invite_guests from public;
grant execute on function invite_guests to portal_member, portal_admin;
