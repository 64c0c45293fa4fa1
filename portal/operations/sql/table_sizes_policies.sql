-- Who may do what with table_sizes.
create policy worker on table_sizes to portal_worker using (true) with check (true);
create policy everything on table_sizes for select to portal_admin using (true);
grant select, insert, update, delete on table_sizes to portal_worker, portal_definer;
grant select on table_sizes to portal_admin;
