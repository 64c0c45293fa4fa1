-- Who may do what with system_logs.
create policy worker on system_logs to portal_worker using (true) with check (true);
create policy everything on system_logs for select to portal_admin using (true);
create policy write_own on system_logs for insert to portal_anonymous, portal_member, portal_admin
  with check (not (user_id is distinct from (select auth.uid())));
grant select, insert, update, delete on system_logs to portal_definer;
grant select, insert, delete on system_logs to portal_worker;
grant select, insert on system_logs to portal_admin;
grant insert on system_logs to portal_anonymous, portal_member;
grant update (ip_address) on system_logs to portal_worker;
