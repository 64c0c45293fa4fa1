-- A yes is one to the start the meeting has then.
create function note_agreed_start()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  new.agreed_to := (select m.starts_at from public.meetings m where m.id = new.meeting_id);
  return new;
end
$$;
alter function note_agreed_start owner to portal_definer;
revoke all on function note_agreed_start from public;

create trigger note_agreed_start before update on meeting_attendances
  for each row when (new.answer = 'accepted' and old.answer <> 'accepted') execute function note_agreed_start();
create trigger note_agreed_start_on_insert before insert on meeting_attendances
  for each row when (new.answer = 'accepted') execute function note_agreed_start();
