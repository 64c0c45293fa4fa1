-- Who may do what with move_parts: whoever may see the move they are of.
create policy worker on move_parts to portal_worker using (true) with check (true);
create policy own_reads on move_parts for select to portal_admin using (exists (select from moves m where m.id = move_id));
create policy own_adds on move_parts for insert to portal_admin with check (exists (select from moves m where m.id = move_id));
grant select, insert, update, delete on move_parts to portal_worker;
grant select, insert on move_parts to portal_admin;
