-- Ends a family whose date has passed: the one its primary let be the last, else the paid one and the grace after it.
create function end_lapsed_family(plan uuid, at timestamptz)
returns boolean language plpgsql security definer set search_path = '' as $$
declare f public.family_plans := public.lock_family(plan, at);
begin
  if f.is_active is not true or at < public.family_ends_at(f) then return false; end if;
  perform public.close_family(plan, at);
  return true;
end
$$;
alter function end_lapsed_family owner to portal_definer;
revoke all on function end_lapsed_family from public;
grant execute on function end_lapsed_family to portal_worker;
