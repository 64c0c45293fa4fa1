-- Days given by an admin, with the reason and the giver.
create function give_access(person uuid, its_kind text, until timestamptz, why text)
returns void language sql security definer set search_path = '' as $$
  insert into public.access_grants (user_id, kind, starts_at, ends_at, reason, granted_by)
  values (person, its_kind, public.club_now(), until, why, auth.uid());
  select public.refresh_projection(person, public.club_now())
$$;
alter function give_access owner to portal_definer;
revoke all on function give_access from public;
grant execute on function give_access to portal_admin;
