-- Nobody is in it any more, and it stays in history. The caller holds it.
create function close_family(plan uuid, at timestamptz)
returns void language plpgsql security definer set search_path = '' as $$
declare people uuid[] := array(select m.user_id from public.family_memberships m where m.plan_id = plan and m.state = 'active' order by 1);
begin
  update public.family_memberships set state = case state when 'active' then 'ended' else 'revoked' end, ended_at = at
   where plan_id = plan and state in ('active', 'invited');
  update public.family_plans set is_active = false, dissolved_at = at, transfer_to = null, transfer_proposed_at = null where id = plan;
  perform public.refresh_projection(p, at) from unnest(people) p;
end
$$;
alter function close_family owner to portal_definer;
revoke all on function close_family from public;
