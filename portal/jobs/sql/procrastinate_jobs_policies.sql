-- Who may do what with procrastinate_jobs.
create policy worker on procrastinate_jobs to portal_worker using (true) with check (true);
create policy enqueue on procrastinate_jobs for insert to portal_anonymous, portal_member, portal_admin
  with check (status = 'todo'::procrastinate_job_status);
create policy own_key on procrastinate_jobs for select to portal_anonymous, portal_member, portal_admin using (true);
grant select, insert, update, delete on procrastinate_jobs to portal_worker, portal_definer;
grant insert on procrastinate_jobs to portal_anonymous, portal_member, portal_admin;
grant select (id, queueing_lock) on procrastinate_jobs to portal_anonymous, portal_member, portal_admin;
grant usage on sequence procrastinate_jobs_id_seq to portal_anonymous, portal_member, portal_admin, portal_worker, portal_definer;
