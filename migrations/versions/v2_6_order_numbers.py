"""v2.6: an order's number does not tell how many orders there are.

The sequence still gives each number once, however many are drawn at a time; a key of this club's own then says in which
of a hundred million places it stands. Gaps are normal. Numbers given before stay as they are.

Revision ID: v2.6_order_numbers
Revises: v2.5_paging
"""

from portal.database.migration import close, definer, run

revision = "v2.6_order_numbers"
down_revision = "v2.5_paging"
branch_labels = None
depends_on = None

UP = """
create table order_number_key (
  only_one boolean constraint pk_order_number_key primary key default true constraint check_only_one check (only_one),
  key uuid not null default gen_random_uuid()
);
"""

# Read by the function alone.
POLICIES = "revoke all on order_number_key from portal_worker"

NEXT = """
-- Readable, unique under parallel checkouts, with a check digit against typing slips. Four turns in which each half of
-- the number moves the other (a Feistel network) lead every count to another place, and only the key tells to which.
create or replace function next_order_number(at timestamptz) returns text language plpgsql volatile as $$
declare
  n bigint := nextval('public.order_numbers');
  fore integer := n / 10000 % 10000;
  hind integer := n % 10000;
  secret uuid;
  digits text;
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
  return format('GO-%s-%s-%s', extract(year from at), digits,
                (10 - (select sum((case when i % 2 = 0 then 3 else 1 end) * d::int)
                         from regexp_split_to_table(digits, '') with ordinality as t (d, i)) % 10) % 10);
end $$;
"""

BEFORE = """
drop function next_order_number(timestamptz);
create function next_order_number(at timestamptz) returns text language sql volatile as $$
  select format('GO-%s-%s-%s', extract(year from at), lpad(n::text, 5, '0'),
                (10 - (select sum((case when i % 2 = 0 then 3 else 1 end) * d::int)
                         from regexp_split_to_table(n::text, '') with ordinality as t (d, i)) % 10) % 10)
    from nextval('public.order_numbers') as n
$$;
"""


def upgrade() -> None:
    run(UP)
    close("order_number_key")
    run(POLICIES)
    run(NEXT)
    definer("next_order_number(timestamptz)", to="portal_worker")


def downgrade() -> None:
    run(BEFORE)
    run("drop table order_number_key")
