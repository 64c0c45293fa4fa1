-- Who may do what with imported.
create policy worker on imported to portal_worker using (true) with check (true);
grant select, insert, update, delete on imported to portal_worker, portal_definer;
