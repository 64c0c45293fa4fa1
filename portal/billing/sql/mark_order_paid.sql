-- An admin says that an order's money came: it is paid, and pays from now or from the end of what its buyer has paid for
-- already, whichever is later. A family does not wait for the end of a plan for one, nor does who takes a family over.
-- One that was withdrawn or has lapsed can still be paid: its money came after all. The refusal, or null: `unknown` (no order
-- of this kind) or `paid-already`. Locks the buyer, then the order, as everybody who writes orders.
create function mark_order_paid(wanted uuid, its_reference text, came timestamptz, grace integer)
returns text language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  o public.orders;
  begins timestamptz;
  ends timestamptz;
  takes_over boolean;
  first_day integer;
begin
  perform from public.users u where u.id = (select x.user_id from public.orders x where x.id = wanted) for no key update;
  select * into o from public.orders x where x.id = wanted for no key update;
  if o.payment_provider is distinct from 'transfer' then return 'unknown'; end if;
  if o.completed_at is not null then return 'paid-already'; end if;
  select coalesce(bool_or(c.transfer_plan_id is not null), false) into takes_over from public.checkouts c where c.order_id = wanted;
  select max(d.until) into begins from (
    select c.paid_until as until from public.paid_coverage(o.user_id) c
     where c.phase not in ('disputed', 'lost') and (c.subscription_type = 'family' or o.subscription_type = 'individual')
    union all
    select g.ends_at from public.access_grants g where g.user_id = o.user_id and g.kind = 'welcome') d
   where not takes_over;
  begins := greatest(begins, at);
  ends := begins + case o.billing_cycle when 'yearly' then interval '1 year' else interval '1 month' end;
  -- A month from the 31st of January ends on the 28th of February, and the next one on the 31st of March all the same.
  if extract(day from begins + interval '1 day') = 1 then
    select coalesce(max(least(extract(day from x.period_start),
                              extract(day from date_trunc('month', ends) + interval '1 month -1 day'))), 0) into first_day
      from public.orders x where x.user_id = o.user_id and x.status = 'completed' and x.period_end = begins;
    ends := ends + make_interval(days => greatest(first_day - extract(day from ends)::integer, 0));
  end if;
  update public.orders
     set status = 'completed', completed_at = least(came, at), payment_method = 'Transfer', reference = its_reference,
         grace_days = grace, period_start = begins, period_end = ends
   where id = wanted;
  update public.checkouts set state = 'paid' where order_id = wanted;
  perform public.refresh_projection(o.user_id, at);
  return null;
end
$$;
alter function mark_order_paid owner to portal_definer;
revoke all on function mark_order_paid from public;
grant execute on function mark_order_paid to portal_admin;
