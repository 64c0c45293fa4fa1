-- An admin says that money of an order was sent back by hand, when `before` had gone back already: of two who say so at once
-- one is refused. All of it ends what the order opened. The refusal, or null: `unknown` (no paid order of this kind),
-- `changed` or `too-much`. Locks the buyer, then the order.
create function return_order_money(wanted uuid, back numeric, before numeric, its_reference text)
returns text language plpgsql security definer set search_path = '' as $$
declare
  o public.orders;
begin
  perform from public.users u where u.id = (select x.user_id from public.orders x where x.id = wanted) for no key update;
  select * into o from public.orders x where x.id = wanted for no key update;
  if o.payment_provider is distinct from 'transfer' or o.completed_at is null then return 'unknown'; end if;
  if o.refunded_amount <> before then return 'changed'; end if;
  if back > o.amount - o.refunded_amount then return 'too-much'; end if;
  update public.orders
     set refunded_amount = refunded_amount + back, return_reference = its_reference,
         status = case when refunded_amount + back = amount then 'refunded' else status end
   where id = wanted;
  perform public.refresh_projection(o.user_id, public.club_now());
  return null;
end
$$;
alter function return_order_money owner to portal_definer;
revoke all on function return_order_money from public;
grant execute on function return_order_money to portal_admin;
