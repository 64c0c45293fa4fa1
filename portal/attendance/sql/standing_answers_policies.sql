-- Who may do what with standing_answers: each person writes their own rules, and nobody else reads them.
create policy own on standing_answers to portal_member, portal_admin
  using (user_id = (select auth.uid())) with check (user_id = (select auth.uid()));
create policy worker on standing_answers to portal_worker using (true) with check (true);
grant select, insert, delete on standing_answers to portal_member, portal_admin;
grant update (response, starts_at, ends_at, created_at, followed_at, ended_at, keeps_answers) on standing_answers to portal_member, portal_admin;
grant select, insert, update, delete on standing_answers to portal_worker, portal_definer;
