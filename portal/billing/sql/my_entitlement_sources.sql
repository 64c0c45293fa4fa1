-- The same reasons for the person's own eyes.
create function my_entitlement_sources()
returns table (
  source text, subscription_type text, starts_at timestamptz, promised_until timestamptz,
  counts_until timestamptz, phase text, payer_name text, reason text
) language sql stable security definer set search_path = '' as $$
  select s.source, s.subscription_type, s.starts_at, s.promised_until, s.counts_until, s.phase,
         case when s.source = 'family' then coalesce(u.first_name, 'The payer') end, s.reason
    from public.entitlement_sources(auth.uid()) s left join public.users u on u.id = s.payer
$$;
alter function my_entitlement_sources owner to portal_definer;
revoke all on function my_entitlement_sources from public;
grant execute on function my_entitlement_sources to portal_member, portal_admin;
