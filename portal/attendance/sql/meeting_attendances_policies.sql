-- Who may do what with meeting_attendances.
create policy worker on meeting_attendances to portal_worker using (true) with check (true);
create policy everybody on meeting_attendances for select to portal_admin using (true);
create policy own on meeting_attendances for select to portal_member using (user_id = (select auth.uid()));
grant select, insert, update, delete on meeting_attendances to portal_worker, portal_definer;
grant select on meeting_attendances to portal_member, portal_admin;
