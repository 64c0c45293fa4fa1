-- A choice becomes a pending order and a checkout; an open one that was never sent to the provider is replaced.
-- `way` is who takes the money: stripe, or transfer (the club, outside of the portal). An order by transfer waits for 30 days,
-- and whoever chooses the same again while it waits has that one.
-- The first payment is due when the current user's own free days end, or, for who was asked to take a family over, when the time
-- ends that a paid order covers; at once when that is not three days away (the provider begins nothing within two of the
-- moment its page is opened, which may be nearly a day after the choice).
create function open_checkout(
  wanted_type text, wanted_cycle text, minor bigint, price numeric, in_currency text, transfer uuid, way text
)
returns uuid language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  me uuid := auth.uid();
  made uuid := public.new_id();
  bought uuid := public.new_id();
  starts timestamptz;
  covering uuid;
begin
  perform from public.users where id = me and is_active and email_verified for no key update;
  if not found then return null; end if;
  if way = 'transfer' then
    select c.id into bought from public.checkouts c join public.orders o on o.id = c.order_id
     where c.user_id = me and c.state = 'open' and o.payment_provider = way and o.amount_minor = minor and o.currency = in_currency
       and c.subscription_type = wanted_type and c.billing_cycle = wanted_cycle and c.transfer_plan_id is not distinct from transfer;
    if found then return bought; end if;
    bought := public.new_id();
  end if;
  update public.orders o set status = 'failed' from public.checkouts c
   where c.user_id = me and c.state = 'open' and c.order_id = o.id and o.status = 'pending';
  update public.checkouts set state = 'expired' where user_id = me and state = 'open';
  insert into public.orders (id, user_id, order_number, amount, amount_minor, currency, subscription_type, billing_cycle,
                             payment_provider, created_at)
  values (bought, me, public.next_order_number(at), price, minor, in_currency, wanted_type, wanted_cycle, way, at);
  if way = 'transfer' then
    null;  -- it begins when it is paid
  elsif transfer is null then
    select g.ends_at into starts from public.access_grants g
     where g.user_id = me and g.kind = 'welcome' and g.ends_at > at + interval '3 days';
  else
    select c.paid, c.until into covering, starts
      from public.family_plans p cross join lateral public.paid_order_of(p.id, at) c
     where p.id = transfer and p.is_active and p.transfer_to = me and c.until > at + interval '3 days';
  end if;
  insert into public.checkouts (id, user_id, order_id, subscription_type, billing_cycle, transfer_plan_id, starts_at, covered_by,
                                created_at, expires_at)
  values (made, me, bought, wanted_type, wanted_cycle, transfer, starts, covering, at,
          case way when 'transfer' then at + interval '30 days' end);
  perform public.refresh_projection(me, at);
  return made;
end
$$;
alter function open_checkout owner to portal_definer;
revoke all on function open_checkout from public;
grant execute on function open_checkout to portal_member, portal_admin;
