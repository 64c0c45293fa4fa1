-- Takes somebody off the list: where that changed something, with who was offered the place. The host stays, and so does
-- who has been there.
create function take_back_invitation(meeting uuid, person uuid, later boolean)
returns table (meeting_id uuid, offered uuid[]) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare
  at constant timestamptz := public.club_now();
  m public.meetings;
begin
  for m in select x.* from public.meetings x
            where x.id in (select public.private_meetings(meeting, later, at)) and x.host_id is distinct from person
            order by x.id for no key update
  loop
    delete from public.meeting_attendances a
     where a.meeting_id = m.id and a.user_id = person and a.joined_at is null;
    if found then
      meeting_id := m.id;
      offered := public.promote(m.id, at);
      return next;
    end if;
  end loop;
end
$$;
alter function take_back_invitation owner to portal_definer;
revoke all on function take_back_invitation from public;
grant execute on function take_back_invitation to portal_member, portal_admin;
