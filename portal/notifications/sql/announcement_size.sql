-- How many people a message to this group would reach now; null if the current user may not know. For who may write to them.
create function announcement_size(meeting uuid, audience text, days integer)
returns bigint language plpgsql stable security definer set search_path = '' as $$
begin
  if not public.may_announce(meeting) then raise insufficient_privilege; end if;
  if not public.counts_audience(meeting, audience) then return null; end if;
  return (
    select count(*)
      from public.announcement_audience(meeting, audience, days, auth.uid(), current_setting('role') = 'portal_admin', null, null));
end
$$;
alter function announcement_size owner to portal_definer;
revoke all on function announcement_size from public;
grant execute on function announcement_size to portal_member, portal_admin;
