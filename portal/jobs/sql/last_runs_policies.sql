-- Who may do what with last_runs.
create policy worker on last_runs to portal_worker using (true) with check (true);
create policy everything on last_runs for select to portal_admin using (true);
grant select, insert, update, delete on last_runs to portal_worker, portal_definer;
grant select on last_runs to portal_admin;
