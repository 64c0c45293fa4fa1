-- Who may do what with runs.
create policy worker on runs to portal_worker using (true) with check (true);
create policy everything on runs for select to portal_admin using (true);
grant select, insert, update, delete on runs to portal_worker, portal_definer;
grant select on runs to portal_admin;
