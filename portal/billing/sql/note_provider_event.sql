-- A delivery of the provider's is noted once; one about nobody is done with that. Anybody may knock; the signature was
-- checked at the door.
create function note_provider_event(
  event text, its_kind text, customer text, payload jsonb, created timestamptz
)
returns boolean language sql security definer set search_path = '' as $$
  with noted as (
    insert into public.provider_events (id, kind, customer_id, body, created_at, received_at, handled_at, outcome)
    select event, its_kind, customer, payload, created, public.club_now(), case when nobody then public.club_now() end, case when nobody then 'about nobody' end
      from (select customer is null and payload #>> '{data,object,payment_intent}' is null) n (nobody)
    on conflict do nothing returning id)
  select exists (select from noted)
$$;
alter function note_provider_event owner to portal_definer;
revoke all on function note_provider_event from public;
grant execute on function note_provider_event to portal_anonymous;
