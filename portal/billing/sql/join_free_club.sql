-- In a club that is free, whoever confirmed an address is let in, without an end: the year 3000 stands for that and is shown
-- nowhere. Called with the confirmation of an address, and by the job `billing.follow_membership`, which ends such grants
-- in a club that is not free.
create function join_free_club(person uuid)
returns void language sql security definer set search_path = '' as $$
  insert into public.access_grants (user_id, kind, starts_at, ends_at)
  select u.id, 'free', public.club_now(), '3000-01-01T00:00:00Z' from public.users u where u.id = person and u.email_verified
  on conflict (user_id) where kind = 'free' do update set ends_at = excluded.ends_at;
  select public.refresh_projection(person, public.club_now())
$$;
alter function join_free_club owner to portal_definer;
revoke all on function join_free_club from public;
grant execute on function join_free_club to portal_anonymous, portal_worker;
