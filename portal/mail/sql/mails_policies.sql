-- Who may do what with mails.
create policy worker on mails to portal_worker using (true) with check (true);
create policy write on mails for insert to portal_anonymous, portal_member, portal_admin
  with check (state = 'queued');
grant select, insert, update, delete on mails to portal_worker, portal_definer;
grant insert on mails to portal_anonymous, portal_member, portal_admin;
