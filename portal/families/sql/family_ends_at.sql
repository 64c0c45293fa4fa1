-- Until when a family is kept together: the date its primary let be the last, else until what is paid counts no more; one
-- that nothing was ever paid for has a week, or no end in a club that is free. Nobody knows while a bank has its payment in dispute.
create function family_ends_at(f family_plans)
returns timestamptz language sql stable as $$
  select case when exists (select from public.orders o where o.user_id = f.primary_user_id and o.subscription_type = 'family'
                              and o.status = 'completed' and o.dispute_state = 'open') then 'infinity'
              else coalesce(case when f.subscription_expiry <= f.ending_at then f.ending_at end,
                            case when exists (select from public.access_grants g where g.user_id = f.primary_user_id
                                                and g.kind = 'free' and g.ends_at > public.club_now()) then 'infinity'::timestamptz end,
                            greatest(f.subscription_expiry, f.access_until), f.created_at + interval '7 days') end
$$;
