-- Whoever has access from now on is invited with it, in the same transaction, to every open meeting that everybody was
-- invited to and that is not over: however access came, by a payment, days from the club, a family, an end of a suspension.
-- Holds off whoever makes one of them private (uninvite_everybody).
create function invite_newcomer()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
begin
  if old.is_active and old.email_verified and old.access_until > at or new.access_until <= at then return null; end if;
  perform pg_advisory_xact_lock_shared(hashtext('invitations'));
  insert into public.meeting_attendances (meeting_id, user_id, invited_at, is_general)
  select m.id, new.id, at, true
    from public.meetings m
   where m.everybody_invited_at is not null and not m.is_private and m.status in ('scheduled', 'active') and m.ends_at > at
     and m.starts_at > at - interval '1 day'
   order by m.id
  on conflict do nothing;
  return null;
end
$$;
alter function invite_newcomer owner to portal_definer;
revoke all on function invite_newcomer from public;

create trigger invite_newcomer after update of access_until, is_active, email_verified on users
  for each row when (new.is_active and new.email_verified and new.access_until is not null
    and (old.is_active, old.email_verified, old.access_until) is distinct from (new.is_active, new.email_verified, new.access_until))
  execute function invite_newcomer();
