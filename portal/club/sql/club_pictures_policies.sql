-- Who may do what with club_pictures: they stand on the front page. Admins add one, and take one away when another stands there.
create policy everybody_reads on club_pictures for select to portal_anonymous, portal_member, portal_admin, portal_worker using (true);
create policy admins_add on club_pictures for insert to portal_admin with check (true);
create policy admins_remove on club_pictures for delete to portal_admin using (true);
grant select on club_pictures to portal_anonymous, portal_member, portal_admin, portal_worker;
grant insert, delete on club_pictures to portal_admin;
