-- Keeps a message to a group, which leaves in a minute. `refusal` is 'over' for a meeting that is over or cancelled, 'often' for
-- a host's fourth message about one meeting within a day. Of a host the subject is not taken. Locks the meeting. Called by
-- portal/notifications/announcements.py, which has it sent.
create function write_announcement(
  meeting uuid, audience text, days integer, subject text, body text, out refusal text, out announcement uuid
) language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  as_admin constant boolean := current_setting('role') = 'portal_admin';
begin
  if not public.may_announce(meeting) then raise insufficient_privilege; end if;
  if meeting is not null then
    perform from public.meetings m
      where m.id = meeting and m.status in ('scheduled', 'active') and m.ends_at > at for no key update;
    if not found then
      refusal := 'over';
      return;
    end if;
    if not as_admin and (select count(*) from public.announcements a
                          where a.meeting_id = meeting and not a.by_admin and a.state <> 'taken-back'
                            and a.written_at > at - interval '1 day') >= 3 then
      refusal := 'often';
      return;
    end if;
  end if;
  insert into public.announcements (meeting_id, audience, days, subject, body, written_by, by_admin, written_at, leaves_at)
  values (meeting, audience, days, case when as_admin then subject end, body, auth.uid(), as_admin, at, at + interval '1 minute')
  returning id into announcement;
end
$$;
alter function write_announcement owner to portal_definer;
revoke all on function write_announcement from public;
grant execute on function write_announcement to portal_member, portal_admin;
