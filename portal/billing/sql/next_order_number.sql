-- Readable, unique under parallel checkouts, with a check digit against typing slips. Four turns in which each half of
-- the number moves the other (a Feistel network) lead every count to another place, and only the key tells to which.
create function next_order_number(at timestamptz)
returns text language plpgsql security definer set search_path = '' as $$
declare
  n bigint := nextval('public.order_numbers');
  fore integer := n / 10000 % 10000;
  hind integer := n % 10000;
  secret uuid;
  digits text;
  number text;
begin
  select k.key into secret from public.order_number_key k;
  if secret is null then
    insert into public.order_number_key default values on conflict do nothing;
    select k.key into secret from public.order_number_key k;
  end if;
  for turn in 1..4 loop
    select hind, (fore + ('x' || left(encode(sha256(convert_to(format('%s %s %s', secret, turn, hind), 'UTF8')), 'hex'), 7))::bit(28)::integer) % 10000
      into fore, hind;
  end loop;
  digits := lpad(fore::text, 4, '0') || lpad(hind::text, 4, '0');
  number := format('GO-%s-%s-%s', extract(year from at at time zone 'UTC'), digits,
                (10 - (select sum((case when i % 2 = 0 then 3 else 1 end) * d::int)
                         from regexp_split_to_table(digits, '') with ordinality as t (d, i)) % 10) % 10);
  -- An archive brings numbers along that another club's key mixed.
  if exists (select from public.orders o where o.order_number = number) then
    return public.next_order_number(at);
  end if;
  return number;
end
$$;
alter function next_order_number owner to portal_definer;
revoke all on function next_order_number from public;
grant execute on function next_order_number to portal_worker;
