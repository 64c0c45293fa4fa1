-- Who may do what with procrastinate_workers.
create policy worker on procrastinate_workers to portal_worker using (true) with check (true);
grant select, insert, update, delete on procrastinate_workers to portal_worker, portal_definer;
grant usage on sequence procrastinate_workers_id_seq to portal_worker;
