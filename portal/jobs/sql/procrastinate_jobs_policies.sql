-- Who may do what with procrastinate_jobs: browsers hand in the jobs that follow from what they may do, by name, and
-- nobody hands in one that ends somebody else's subscription or is about their rules. Whoever enqueues a new job adds it here
-- (as an array: in that form a dump brings the rule back to the letter).
create policy worker on procrastinate_jobs to portal_worker using (true) with check (true);
create policy enqueue_for_anybody on procrastinate_jobs for insert to portal_anonymous, portal_member, portal_admin
  with check (status = 'todo' and task_name::text = any ('{
    mail.deliver, accounts.send_reset, accounts.tell_factor_end, accounts.tell_factor_kept, billing.refetch,
    billing.refetch_payer, families.tell, attendance.take_in_event}'));
create policy enqueue_for_members on procrastinate_jobs for insert to portal_member, portal_admin
  with check (status = 'todo' and task_name::text = any ('{
    attendance.tell_host, attendance.tell_offer, attendance.match_again, attendance.tell_missing,
    attendance.tell_of_notes, calendar.tell_together, calendar.tell_decision, calendar.tell_invited,
    calendar.tell_taken_back, families.tell_plan, rooms.follow, notifications.send_announcement}'));
create policy enqueue_own_ending on procrastinate_jobs for insert to portal_member, portal_admin
  with check (status = 'todo' and task_name::text = any ('{
    billing.stop_own, billing.stop_closed, billing.tell_customer, attendance.follow_rules_of}')
              and args ->> 'user_id' = (select auth.uid())::text);
-- Of the mails about an order a member causes the one that says how to pay it, no receipt.
create policy enqueue_own_order on procrastinate_jobs for insert to portal_member, portal_admin
  with check (status = 'todo' and task_name::text = any ('{billing.tell_order}') and args ->> 'what' = 'opened');
-- Where nobody pays, a family is for the asking.
create policy enqueue_in_free_club on procrastinate_jobs for insert to portal_member, portal_admin
  with check (status = 'todo' and task_name::text = any ('{
    families.paid, families.take_over}')
              and case task_name::text when 'families.paid' then args ->> 'user_id' else args ->> 'new_primary_id' end
                  = (select auth.uid())::text
              and exists (select from access_grants g where g.user_id = (select auth.uid()) and g.kind = 'free'
                                                        and g.ends_at > (select club_now())));
-- A host who cannot come has everybody told.
create policy enqueue_own_cancellation on procrastinate_jobs for insert to portal_member
  with check (status = 'todo' and task_name::text = any ('{calendar.tell_cancelled}')
              and exists (select from meetings m where m.id::text = args ->> 'meeting_id' and m.status = 'cancelled'
                                                   and m.host_id = (select auth.uid())));
create policy enqueue_for_admins on procrastinate_jobs for insert to portal_admin
  with check (status = 'todo' and task_name::text = any ('{
    calendar.tell_moved, calendar.tell_cancelled, calendar.tell_reinstated, billing.reconcile, billing.follow_transfer, rooms.check,
    attendance.invite_everybody, notifications.retry_failed, operations.examine, operations.dry_run}'));
-- About files and archives an admin hands in what is about their own.
create policy enqueue_own_move on procrastinate_jobs for insert to portal_admin
  with check (status = 'todo' and task_name::text = any ('{moving.check, moving.take, moving.invite, moving.pack}')
              and exists (select from moves m where m.id::text = args ->> 'move_id'));
-- What the clock has called, an admin may have done at once; only the worker says what that is.
create policy enqueue_scheduled on procrastinate_jobs for insert to portal_admin
  with check (status = 'todo' and task_name::text in (select name from last_runs));
-- In the demo anybody lets time pass, and what falls due by it is done.
create policy enqueue_in_sandbox on procrastinate_jobs for insert to portal_anonymous, portal_member, portal_admin
  with check (status = 'todo' and (select is_sandbox from club_clock) and task_name::text = any ('{
    sandbox.keep_going, sandbox.reply, attendance.sweep, attendance.invite_everybody, notifications.remind, notifications.digest, attendance.release, meetings.extend_series, families.expire,
    families.end_lapsed, billing.expire_checkouts, billing.expire, billing.remind}'));
create policy own_key on procrastinate_jobs for select to portal_anonymous, portal_member, portal_admin using (true);
grant select, insert, update, delete on procrastinate_jobs to portal_worker, portal_definer;
grant insert on procrastinate_jobs to portal_anonymous, portal_member, portal_admin;
grant select (id, queueing_lock) on procrastinate_jobs to portal_anonymous, portal_member, portal_admin;
grant usage on sequence procrastinate_jobs_id_seq to portal_anonymous, portal_member, portal_admin, portal_worker, portal_definer;
