-- What was paid and kept: an order counts from its payment on, less what went back; a disputed one only when it was won.
create view income with (security_invoker = true) as
select user_id, currency, completed_at, amount - refunded_amount as kept
  from orders where completed_at is not null and coalesce(dispute_state, 'won') = 'won';
grant select on income to portal_admin;
