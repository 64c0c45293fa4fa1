-- Who asks for a place, in order, by name: for the host and admins, with what helps to decide. `came` counts all the
-- meetings somebody came to, `came_here` those of the same series or title.
create function requests_of(meeting uuid)
returns table (user_id uuid, name text, asked_at timestamptz, here_since timestamptz, came bigint, came_here bigint)
language sql stable security definer set search_path = '' as $$
  select u.id, public.display_name(u), a.responded_at, u.created_at, been.came, been.came_here
    from public.meeting_attendances a
    join public.users u on u.id = a.user_id
    join public.meetings m on m.id = a.meeting_id
    cross join lateral (
      select count(*) as came, count(*) filter (where o.series_id = m.series_id or o.title = m.title) as came_here
        from public.meeting_attendances c join public.meetings o on o.id = c.meeting_id
       where c.user_id = u.id and c.joined_at is not null) been
   where a.meeting_id = meeting and a.answer = 'requested' and public.runs_meeting(meeting)
   order by a.responded_at, a.id limit 200
$$;
alter function requests_of owner to portal_definer;
revoke all on function requests_of from public;
grant execute on function requests_of to portal_member, portal_admin;
