-- The current user wants an order no more that is to be paid by transfer. False if it is not theirs, paid, or over. Locks the
-- person, then the order.
create function withdraw_order(its_checkout uuid)
returns boolean language plpgsql security definer set search_path = '' as $$
declare
  me uuid := auth.uid();
  its_order uuid;
begin
  perform from public.users where id = me for no key update;
  update public.orders o set status = 'failed' from public.checkouts c
   where c.id = its_checkout and c.user_id = me and c.state = 'open' and c.order_id = o.id
     and o.payment_provider = 'transfer' and o.status = 'pending'
  returning o.id into its_order;
  if its_order is null then return false; end if;
  update public.checkouts set state = 'expired' where id = its_checkout;
  perform public.refresh_projection(me, public.club_now());
  return true;
end
$$;
alter function withdraw_order owner to portal_definer;
revoke all on function withdraw_order from public;
grant execute on function withdraw_order to portal_member, portal_admin;
