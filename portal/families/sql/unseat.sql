-- One person out of a family that is held; a proposal to hand it over to them is out with them.
create function unseat(m family_memberships, becomes text, at timestamptz)
returns void language sql security definer set search_path = '' as $$
  update public.family_memberships set state = becomes, ended_at = at where id = m.id;
  update public.family_plans set transfer_to = null, transfer_proposed_at = null where id = m.plan_id and transfer_to = m.user_id;
  select public.refresh_projection(m.user_id, at)
$$;
alter function unseat owner to portal_definer;
revoke all on function unseat from public;
