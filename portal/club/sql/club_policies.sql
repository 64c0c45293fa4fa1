-- Who may do what with club: everybody reads it, admins change it, and its first row is made by first_club.
create policy everybody_reads on club for select to portal_anonymous, portal_member, portal_admin, portal_web, portal_worker
  using (true);
create policy admins_change on club for update to portal_admin using (true) with check (true);
grant select on club to portal_anonymous, portal_member, portal_admin, portal_web, portal_worker, portal_definer;
grant insert on club to portal_definer;
grant update (changed_at, club_name, help_email, club_address, club_domains, club_timezone, default_meeting_time,
              doors_minutes, welcome_days, grace_days, tax_words, front_title, front_text, front_picture,
              front_picture_alt, privacy_text, terms_text, accent_light, accent_dark) on club to portal_admin;
