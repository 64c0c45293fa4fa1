-- Whether this person has ever paid for anything, and it was not given back; in a club that is free nobody has to. Called by whoever holds the family.
create function has_paid(payer uuid)
returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select from public.orders o where o.user_id = payer and o.status = 'completed')
      or exists (select from public.access_grants g where g.user_id = payer and g.kind = 'free' and g.ends_at > public.club_now())
$$;
alter function has_paid owner to portal_definer;
revoke all on function has_paid from public;
