-- The four numbers on a meeting for rows that are new: once a statement, since it may bring as many as the club has members.
create function count_new_seats()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  update public.meetings m set
    seats_taken = m.seats_taken + n.taken,
    waiting_count = m.waiting_count + n.waiting,
    request_count = m.request_count + n.requests,
    attendee_count = m.attendee_count + n.came
  from (select a.meeting_id, count(*) filter (where a.answer in ('accepted', 'offered')) as taken,
               count(*) filter (where a.answer = 'waitlisted') as waiting,
               count(*) filter (where a.answer = 'requested') as requests, count(a.joined_at) as came
          from added a where a.answer not in ('invited', 'declined') or a.joined_at is not null group by a.meeting_id) n
  where m.id = n.meeting_id;
  return null;
end
$$;
alter function count_new_seats owner to portal_definer;
revoke all on function count_new_seats from public;

create trigger count_seats_on_insert after insert on meeting_attendances referencing new table as added
  for each statement execute function count_new_seats();
