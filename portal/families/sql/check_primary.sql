-- Who is primary stands in two places; at commit they must agree, and an active plan has one.
create function check_primary()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if exists (
    select from public.family_plans p
      left join public.users u on u.id = p.primary_user_id and u.family_plan_id = p.id and u.family_role = 'primary'
     where p.is_active and u.id is null
       and p.id in (select v from unnest(case tg_table_name
             when 'family_plans' then array[(to_jsonb(new) ->> 'id')::uuid]
             else array[(to_jsonb(new) ->> 'family_plan_id')::uuid, (to_jsonb(old) ->> 'family_plan_id')::uuid]
           end) v))
  then raise exception 'a plan has exactly one primary, and it is its payer'
         using errcode = 'check_violation', constraint = 'check_primary_agrees';
  end if;
  return null;
end
$$;
alter function check_primary owner to portal_definer;
revoke all on function check_primary from public;

create constraint trigger check_primary after insert or update of primary_user_id, is_active on family_plans
  deferrable initially deferred for each row execute function check_primary();
create constraint trigger check_primary after update of family_plan_id, family_role on users
  deferrable initially deferred for each row execute function check_primary();
