-- Holds a family for one change: who pays it, then the plan. Invitations whose time is over let go of their seats.
create function lock_family(plan uuid, at timestamptz)
returns family_plans language plpgsql security definer set search_path = '' as $$
declare f public.family_plans; payer uuid;
begin
  loop
    select x.primary_user_id into payer from public.family_plans x where x.id = plan;
    perform from public.users where id = payer for no key update;
    select * into f from public.family_plans x where x.id = plan for no key update;
    exit when f.primary_user_id is not distinct from payer;  -- else handed over meanwhile: hold the one who pays now
  end loop;
  update public.family_memberships set state = 'expired', ended_at = expires_at
   where plan_id = plan and state = 'invited' and expires_at <= at;
  if found then
    select * into f from public.family_plans x where x.id = plan;
  end if;
  return f;
end
$$;
alter function lock_family owner to portal_definer;
revoke all on function lock_family from public;
grant execute on function lock_family to portal_worker;
