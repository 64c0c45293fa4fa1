-- Who may do what with orders.
create policy worker on orders to portal_worker using (true) with check (true);
create policy everybody on orders for select to portal_admin using (true);
create policy own on orders for select to portal_member using (user_id = (select auth.uid()));
grant select, insert, update, delete on orders to portal_worker, portal_definer;
grant select on orders to portal_member, portal_admin;
grant usage on sequence order_numbers to portal_worker, portal_definer;
