-- Whom a yes for all of us is for: the current user, and those of the family who let it answer for them, are covered at that
-- moment and have not answered themselves. Who has a place or waits already keeps what they have.
create function all_of_us(meeting uuid, person uuid, at timestamptz)
returns table (user_id uuid, first_name text) language sql stable security definer set search_path = '' as $$
  select u.id, coalesce(u.first_name, split_part(u.email, '@', 1))
    from public.users me
    join public.users u on u.id = me.id or (u.family_plan_id = me.family_plan_id and u.family_may_answer)
    left join public.meeting_attendances a on a.meeting_id = meeting and a.user_id = u.id
   where me.id = person and me.family_plan_id is not null and public.entitled(u.id, at)
     and (coalesce(a.answer, 'invited') = 'invited' or (u.id = me.id and a.answer in ('declined', 'withdrawn')))
   order by u.id <> me.id, u.family_joined_at, u.id
$$;
alter function all_of_us owner to portal_definer;
revoke all on function all_of_us from public;
