-- Who may do what with obsolete_rooms.
create policy worker on obsolete_rooms to portal_worker using (true) with check (true);
grant select, insert, update, delete on obsolete_rooms to portal_worker, portal_definer;
