-- Who may do what with sandbox_mails.
create policy worker on sandbox_mails to portal_worker using (true) with check (true);
create policy demo on sandbox_mails for select to portal_anonymous, portal_member, portal_admin using (true);
grant select, insert, update, delete on sandbox_mails to portal_worker, portal_definer;
grant select on sandbox_mails to portal_anonymous, portal_member, portal_admin;
