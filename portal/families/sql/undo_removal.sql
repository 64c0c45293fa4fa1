-- The seat back to somebody who was removed on the day that began at `since`, in the zone of whoever takes it back; never
-- after 25 hours, the longest a day is. It is theirs unless it was given away or they have another family. Holds the plan,
-- then the person. For the primary and admins, on the pages of a family.
create function undo_removal(removed uuid, since timestamptz)
returns table (person uuid, refusal text) language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  f public.family_plans; m public.family_memberships; u public.users;
begin
  f := public.lock_family((select x.plan_id from public.family_memberships x where x.id = removed), at);
  if not public.runs_family(f, true) then return; end if;
  select * into m from public.family_memberships x where x.id = removed;
  select * into u from public.users x where x.id = m.user_id for no key update;
  person := m.user_id;
  refusal := case when m.state = 'active' then 'active'
                  when m.state <> 'removed' or m.ended_at < greatest(since, at - interval '25 hours') then 'late'
                  when u.family_plan_id is not null then 'in-a-family'
                  when f.current_members + f.invited_members >= f.max_members then 'full' end;
  if refusal is null then
    update public.family_memberships set state = 'active', ended_at = null where id = removed;
    perform public.refresh_projection(f.primary_user_id, at);
  end if;
  return next;
end
$$;
alter function undo_removal owner to portal_definer;
revoke all on function undo_removal from public;
grant execute on function undo_removal to portal_member, portal_admin;
