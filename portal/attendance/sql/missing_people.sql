-- Who said yes to a meeting, may come in, and has not come. Not the host.
create function missing_people(meeting uuid)
returns table (user_id uuid) language sql stable security definer set search_path = '' as $$
  select a.user_id
    from public.meeting_attendances a join public.meetings m on m.id = a.meeting_id
   where m.id = meeting and a.answer = 'accepted' and a.joined_at is null and a.user_id is distinct from m.host_id
     and public.entitled(a.user_id, (select public.club_now()))
$$;
alter function missing_people owner to portal_definer;
revoke all on function missing_people from public;
grant execute on function missing_people to portal_worker;
