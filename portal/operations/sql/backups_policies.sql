-- Who may do what with backups.
create policy worker on backups to portal_worker using (true) with check (true);
create policy everything on backups for select to portal_admin using (true);
grant select, insert, update, delete on backups to portal_worker, portal_definer;
grant select on backups to portal_admin;
