-- Who may do what with payers.
create policy worker on payers to portal_worker using (true) with check (true);
create policy ask on payers for update to portal_member
  using (user_id = (select auth.uid()))
  with check (user_id = (select auth.uid()));
create policy ask_for_anybody on payers for update to portal_admin using (true) with check (true);
create policy everybody on payers for select to portal_admin using (true);
create policy own on payers for select to portal_member using (user_id = (select auth.uid()));
grant select, insert, update, delete on payers to portal_worker, portal_definer;
grant select on payers to portal_member, portal_admin;
grant update (asked_at) on payers to portal_member, portal_admin;
