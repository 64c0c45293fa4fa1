-- Who may do what with inbox_messages: an admin reads what became of them, a person what came from them.
create policy admin on inbox_messages for select to portal_admin using (true);
create policy own on inbox_messages for select to portal_member using (user_id = (select auth.uid()));
create policy worker on inbox_messages to portal_worker using (true) with check (true);
grant select (id, kind, outcome, applied, sender, received_at, user_id, meeting_id) on inbox_messages to portal_member, portal_admin;
grant select, insert, update, delete on inbox_messages to portal_worker, portal_definer;
