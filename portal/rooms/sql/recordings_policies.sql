-- Who may do what with recordings.
create policy worker on recordings to portal_worker using (true) with check (true);
grant select, insert, update, delete on recordings to portal_worker, portal_definer;
