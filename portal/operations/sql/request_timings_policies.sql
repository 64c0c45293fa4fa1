-- Who may do what with request_timings.
create policy worker on request_timings to portal_worker using (true) with check (true);
create policy everything on request_timings for select to portal_admin using (true);
grant select, insert, update, delete on request_timings to portal_worker, portal_definer;
grant select on request_timings to portal_admin;
