-- A document stays what it is: neither changed afterwards nor made unpaid and then changed.
create function freeze_paid_order()
returns trigger language plpgsql as $$
begin
  if old.completed_at is not null and (new.completed_at is null or exists (
       select from unnest(array['amount', 'amount_minor', 'currency', 'user_id', 'order_number', 'subscription_type',
                                'billing_cycle', 'provider_price_id']) as kept
        where to_jsonb(old) ->> kept <> coalesce(to_jsonb(new) ->> kept, ''))) then
    raise exception 'a paid order keeps its amount, currency, number, plan, price and buyer'
      using errcode = 'check_violation', constraint = 'check_paid_order_frozen';
  end if;
  return new;
end
$$;

create trigger freeze_paid_order before update on orders
  for each row execute function freeze_paid_order();
