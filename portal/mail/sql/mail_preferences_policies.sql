-- Who may do what with mail_preferences.
create policy own on mail_preferences to portal_member, portal_admin
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy worker on mail_preferences to portal_worker using (true) with check (true);
grant select, insert, update on mail_preferences to portal_member, portal_admin;
grant select, insert, update, delete on mail_preferences to portal_worker, portal_definer;
