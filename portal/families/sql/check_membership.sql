-- Who is in which family stands on the person and on the membership; at commit both agree.
create function check_membership()
returns trigger language plpgsql security definer set search_path = '' as $$
begin
  if exists (
    select from public.users u left join public.family_memberships m on m.user_id = u.id and m.state = 'active'
     where u.id in (select v from unnest(case tg_table_name
             when 'users' then array[(to_jsonb(new) ->> 'id')::uuid]
             else array[(to_jsonb(new) ->> 'user_id')::uuid, (to_jsonb(old) ->> 'user_id')::uuid] end) v)
       and (u.family_plan_id, u.family_role, u.family_joined_at) is distinct from (m.plan_id, m.role, m.joined_at))
  then raise exception 'a person is in the family their membership says'
         using errcode = 'check_violation', constraint = 'check_membership_agrees';
  end if;
  return null;
end
$$;
alter function check_membership owner to portal_definer;
revoke all on function check_membership from public;

create constraint trigger check_membership after insert or delete or update on family_memberships
  deferrable initially deferred for each row execute function check_membership();
create constraint trigger check_membership after update of family_plan_id, family_role, family_joined_at on users
  deferrable initially deferred for each row execute function check_membership();
create constraint trigger check_membership_on_insert after insert on users
  deferrable initially deferred for each row when (new.family_plan_id is not null) execute function check_membership();
