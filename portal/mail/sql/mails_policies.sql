-- Who may do what with mails. Admins read what was sent to whom and how that went; what a mail says `mail_body` tells them,
-- of those that hold nothing that opens anything.
create policy worker on mails to portal_worker using (true) with check (true);
create policy write on mails for insert to portal_anonymous, portal_member, portal_admin
  with check (state = 'queued');
grant select, insert, update, delete on mails to portal_worker, portal_definer;
create policy outbox on mails for select to portal_admin using (true);
grant select (
  id, kind, user_id, meeting_id, recipient, subject, secret, method, state, attempts, failure, created_at, sent_at,
  announcement_id, again_of
) on mails to portal_admin;
grant insert on mails to portal_anonymous, portal_member, portal_admin;
