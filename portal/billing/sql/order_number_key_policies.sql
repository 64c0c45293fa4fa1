-- Who may do what with order_number_key.
create policy worker on order_number_key to portal_worker using (true) with check (true);
grant select, insert, update, delete on order_number_key to portal_definer;
