-- Fixed when the person is invited or answers; a bulk insert brings the domain along and skips this.
create function note_domain()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  select split_part(email_key, '@', 2) into new.email_domain from public.users where id = new.user_id;
  new.is_external_domain := exists (select from public.club_domains)
    and not exists (select from public.club_domains d where d.domain = new.email_domain);
  return new;
end
$$;
alter function note_domain owner to portal_definer;
revoke all on function note_domain from public;

create trigger note_domain before insert on meeting_attendances
  for each row when (new.email_domain is null) execute function note_domain();
