-- Who may do what with drifts.
create policy worker on drifts to portal_worker using (true) with check (true);
create policy everybody on drifts for select to portal_admin using (true);
grant select, insert, update, delete on drifts to portal_worker, portal_definer;
grant select on drifts to portal_admin;
