-- Who may do what with users.
create policy worker on users to portal_worker using (true) with check (true);
create policy everybody on users for select to portal_admin using (true);
create policy own on users for select to portal_member using (id = (select auth.uid()));
create policy own_change on users for update to portal_member, portal_admin
  using (id = (select auth.uid()))
  with check (id = (select auth.uid()));
grant select, insert, update, delete on users to portal_worker, portal_definer;
grant select on users to portal_member, portal_admin;
grant update (
  first_name, last_name, timezone, preferred_meeting_time, shares_attendance, family_may_answer
) on users to portal_member, portal_admin;
