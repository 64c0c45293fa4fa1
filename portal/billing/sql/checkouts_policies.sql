-- Who may do what with checkouts.
create policy worker on checkouts to portal_worker using (true) with check (true);
create policy everybody on checkouts for select to portal_admin using (true);
create policy open on checkouts for update to portal_member, portal_admin
  using ((user_id = (select auth.uid())) and state = 'open')
  with check ((user_id = (select auth.uid())) and state = 'open');
create policy own on checkouts for select to portal_member using (user_id = (select auth.uid()));
grant select, insert, update, delete on checkouts to portal_worker, portal_definer;
grant select on checkouts to portal_member, portal_admin;
grant update (customer_id, session_id, url, expires_at) on checkouts to portal_member, portal_admin;
