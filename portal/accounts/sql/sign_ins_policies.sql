-- Who may do what with sign_ins.
create policy worker on sign_ins to portal_worker using (true) with check (true);
create policy own on sign_ins for select to portal_member, portal_admin using (user_id = (select auth.uid()));
create policy own_end on sign_ins for update to portal_member, portal_admin
  using (user_id = (select auth.uid()))
  with check ((user_id = (select auth.uid())) and ended_at is not null);
grant select, insert, update, delete on sign_ins to portal_definer;
grant delete on sign_ins to portal_worker;
grant select (id, user_id, device, network, created_at, seen_at, ended_at, waits, proved_at) on sign_ins to portal_member, portal_admin;
grant select (id, user_id, network, seen_at, ended_at, waits) on sign_ins to portal_worker;
grant update (network) on sign_ins to portal_worker;
grant update (ended_at) on sign_ins to portal_member, portal_admin;
