-- Whether the current user got no free days because somebody had them with this address before. Locks
-- nothing; called by the page of plans.
create function free_days_used(mark bytea)
returns boolean language sql stable security definer set search_path = '' as $$
  select exists (select from public.free_days f where f.mark = free_days_used.mark and f.user_id is distinct from auth.uid())
     and not exists (select from public.access_grants where user_id = auth.uid() and kind = 'welcome')
$$;
alter function free_days_used owner to portal_definer;
revoke all on function free_days_used from public;
grant execute on function free_days_used to portal_member, portal_admin;
