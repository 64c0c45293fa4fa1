-- Whether this person has ever paid for anything, and it was not given back. Called by whoever holds the family.
create function has_paid(payer uuid)
returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select from public.orders o where o.user_id = payer and o.status = 'completed')
$$;
alter function has_paid owner to portal_definer;
revoke all on function has_paid from public;
