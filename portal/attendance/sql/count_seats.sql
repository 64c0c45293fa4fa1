-- The four numbers on a meeting, kept by the very statement that changes what they count; `count_new_seats` does it for new
-- rows.
create function count_seats()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
  was text := old.answer;
  is_now text := case when tg_op <> 'DELETE' then new.answer else '' end;
  came integer := (tg_op <> 'DELETE' and new.joined_at is not null)::int - (old.joined_at is not null)::int;
begin
  update public.meetings set
    seats_taken = seats_taken + (is_now in ('accepted', 'offered'))::int - (was in ('accepted', 'offered'))::int,
    waiting_count = waiting_count + (is_now = 'waitlisted')::int - (was = 'waitlisted')::int,
    request_count = request_count + (is_now = 'requested')::int - (was = 'requested')::int,
    attendee_count = attendee_count + came
  where id = case when tg_op = 'DELETE' then old.meeting_id else new.meeting_id end;
  return null;
end
$$;
alter function count_seats owner to portal_definer;
revoke all on function count_seats from public;

create trigger count_seats_on_delete after delete on meeting_attendances
  for each row when ((old.answer <> 'invited') or (old.joined_at is not null)) execute function count_seats();
create trigger count_seats_on_update after update on meeting_attendances
  for each row when ((old.answer <> new.answer) or ((old.joined_at is null) <> (new.joined_at is null))) execute function count_seats();
