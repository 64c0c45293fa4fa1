-- Who may do what with subscriptions.
create policy worker on subscriptions to portal_worker using (true) with check (true);
create policy everybody on subscriptions for select to portal_admin using (true);
create policy own on subscriptions for select to portal_member using (user_id = (select auth.uid()));
grant select, insert, update, delete on subscriptions to portal_worker, portal_definer;
grant select on subscriptions to portal_member, portal_admin;
