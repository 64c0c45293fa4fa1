-- Who may do what with rooms.
create policy worker on rooms to portal_worker using (true) with check (true);
grant select, insert, update, delete on rooms to portal_worker, portal_definer;
