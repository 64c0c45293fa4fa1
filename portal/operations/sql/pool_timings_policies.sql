-- Who may do what with pool_timings.
create policy worker on pool_timings to portal_worker using (true) with check (true);
create policy everything on pool_timings for select to portal_admin using (true);
grant select, insert, update, delete on pool_timings to portal_worker, portal_definer;
grant select on pool_timings to portal_admin;
