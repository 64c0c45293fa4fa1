-- Who may do what with procrastinate_periodic_defers.
create policy worker on procrastinate_periodic_defers to portal_worker using (true) with check (true);
grant select, insert, update, delete on procrastinate_periodic_defers to portal_worker, portal_definer;
grant usage on sequence procrastinate_periodic_defers_id_seq to portal_worker;
