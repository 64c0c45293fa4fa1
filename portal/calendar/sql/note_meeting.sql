-- Notes that something changed of a meeting that is not over and that calendars show: its time, length, title or host, or
-- whether it takes place. One note, however many people have it in their calendars; other changes reach pages and feeds only.
create function note_meeting()
returns trigger language plpgsql security definer set search_path = '' as $$
declare at constant timestamptz := public.club_now();
begin
  if new.ends_at > at or old.ends_at > at then
    insert into public.calendar_changes (meeting_id, due_at) values (new.id, at + interval '2 minutes')
    on conflict on constraint uq_calendar_changes_meeting_id do update set due_at = excluded.due_at;
  end if;
  return null;
end
$$;
alter function note_meeting owner to portal_definer;
revoke all on function note_meeting from public;

create trigger note_meeting after update on meetings
  for each row when ((old.starts_at, old.ends_at, old.title, old.host_name, old.is_private, old.status = 'cancelled')
    is distinct from (new.starts_at, new.ends_at, new.title, new.host_name, new.is_private, new.status = 'cancelled'))
  execute function note_meeting();
