-- Who may do what with room_registrants.
create policy worker on room_registrants to portal_worker using (true) with check (true);
grant select, insert, update, delete on room_registrants to portal_worker, portal_definer;
