-- What an order opened ends earlier than was paid; null takes the cut back.
create function cut_order(cut uuid, until timestamptz)
returns void language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  buyer uuid;
begin
  update public.orders set cut_at = until where id = cut returning user_id into buyer;
  perform public.refresh_projection(buyer, at);
end
$$;
alter function cut_order owner to portal_definer;
revoke all on function cut_order from public;
grant execute on function cut_order to portal_admin;
