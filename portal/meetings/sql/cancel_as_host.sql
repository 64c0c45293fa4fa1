-- Calls a meeting off for its host, with the reason everybody is told; true if it was still to come or running. Whoever does
-- not run it is refused. Locks its row. Called by the page of a host who cannot come; an admin changes the row itself.
create function cancel_as_host(meeting uuid, why text)
returns boolean language plpgsql security definer set search_path = '' as $$
begin
  if not public.runs_meeting(meeting) then raise insufficient_privilege; end if;
  update public.meetings m set status = 'cancelled', cancellation_reason = why, revision = m.revision + 1
   where m.id = meeting and m.status in ('scheduled', 'active') and m.ends_at > public.club_now();
  return found;
end
$$;
alter function cancel_as_host owner to portal_definer;
revoke all on function cancel_as_host from public;
grant execute on function cancel_as_host to portal_member, portal_admin;
