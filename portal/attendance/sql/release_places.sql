-- Takes a person without access out of every meeting that has not begun: places, offers, waits and requests.
-- Each meeting that changed, and who was offered a seat in it. Nothing happens to whoever has access after all.
create function release_places(person uuid, at timestamptz)
returns table (meeting_id uuid, offered uuid[]) language plpgsql security definer set search_path = '' as $$
#variable_conflict use_column
declare m public.meetings;
begin
  if public.entitled(person, at) then return; end if;
  for m in select x.* from public.meetings x
            where x.starts_at > at and x.status = 'scheduled' and exists (
                  select from public.meeting_attendances a where a.meeting_id = x.id and a.user_id = person
                     and a.answer in ('accepted', 'offered', 'waitlisted', 'requested'))
            order by x.id for no key update
  loop
    meeting_id := m.id;
    select d.offered into offered from public.decide_rsvp(m, person, 'declined', at) d;
    update public.meeting_attendances a set answer = 'withdrawn', reason = 'Your access ended before it.'
     where a.meeting_id = m.id and a.user_id = person;
    return next;
  end loop;
end
$$;
alter function release_places owner to portal_definer;
revoke all on function release_places from public;
grant execute on function release_places to portal_worker;
