-- Who may do what with participants.
create policy worker on participants to portal_worker using (true) with check (true);
create policy everybody on participants for select to portal_admin using (true);
grant select, insert, update, delete on participants to portal_worker, portal_definer;
grant select on participants to portal_admin;
