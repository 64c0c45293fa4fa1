-- Who may do what with statement_timings.
create policy worker on statement_timings to portal_worker using (true) with check (true);
create policy everything on statement_timings for select to portal_admin using (true);
grant select, insert, update, delete on statement_timings to portal_worker, portal_definer;
grant select on statement_timings to portal_admin;
