-- Who may do what with moves: admins with their own, whatever it holds of people; the worker with all.
create policy worker on moves to portal_worker using (true) with check (true);
create policy own on moves to portal_admin
  using (admin_id = (select auth.uid()))
  with check (admin_id = (select auth.uid()));
grant select, insert, update, delete on moves to portal_worker;
grant select, insert, delete, update (changed_at, step, state, bytes, done, total, options, report, failure) on moves to portal_admin;
