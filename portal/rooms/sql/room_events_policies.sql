-- Who may do what with room_events.
create policy worker on room_events to portal_worker using (true) with check (true);
grant select, insert, update, delete on room_events to portal_worker, portal_definer;
