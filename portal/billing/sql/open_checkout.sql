-- A choice becomes a pending order and a checkout; an open one that was never sent to the provider is replaced.
create function open_checkout(
  wanted_type text, wanted_cycle text, minor bigint, price numeric, in_currency text, transfer uuid,
  at timestamptz
)
returns uuid language plpgsql security definer set search_path = '' as $$
declare me uuid := auth.uid(); made uuid := public.new_id(); bought uuid := public.new_id();
begin
  perform from public.users where id = me and is_active and email_verified for no key update;
  if not found then return null; end if;
  update public.orders o set status = 'failed' from public.checkouts c
   where c.user_id = me and c.state = 'open' and c.order_id = o.id and o.status = 'pending';
  update public.checkouts set state = 'expired' where user_id = me and state = 'open';
  insert into public.orders (id, user_id, order_number, amount, amount_minor, currency, subscription_type, billing_cycle,
                             payment_provider, created_at)
  values (bought, me, public.next_order_number(at), price, minor, in_currency, wanted_type, wanted_cycle, 'stripe', at);
  insert into public.checkouts (id, user_id, order_id, subscription_type, billing_cycle, transfer_plan_id, created_at)
  values (made, me, bought, wanted_type, wanted_cycle, transfer, at);
  perform public.project_access(me, at);
  return made;
end
$$;
alter function open_checkout owner to portal_definer;
revoke all on function open_checkout from public;
grant execute on function open_checkout to portal_member, portal_admin;
