-- Lowering the number of places throws nobody out: who has a seat keeps it.
create function keep_seats()
returns trigger language plpgsql as $$
begin
  new.seats_kept := case when new.seats_taken > new.max_attendees then new.seats_taken else 0 end;
  return new;
end
$$;

create trigger keep_seats before update of max_attendees on meetings
  for each row execute function keep_seats();
