-- The counter, kept by the same statement that seats or unseats somebody: the check on it is the last word.
create function count_members()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
  was uuid := case when tg_op <> 'INSERT' then old.family_plan_id end;
  is_now uuid := case when tg_op <> 'DELETE' then new.family_plan_id end;
begin
  if was is distinct from is_now then
    update public.family_plans set current_members = current_members - 1 where id = was;
    update public.family_plans set current_members = current_members + 1 where id = is_now;
  end if;
  return null;
end
$$;
alter function count_members owner to portal_definer;
revoke all on function count_members from public;

create trigger count_members after insert or delete or update of family_plan_id on users
  for each row execute function count_members();
