-- First names of who is here, for those who may come in themselves, and for the live process (which is nobody).
-- `mark` tells one person of one meeting from the others, so that a page can say which is its viewer; it leads to nobody.
create function rosters(meetings uuid[])
returns table (meeting_id uuid, name text, since timestamptz, is_host boolean, mark text) language sql stable security definer set search_path = '' as $$
  select s.meeting_id, coalesce(u.first_name, split_part(u.email, '@', 1)), min(s.joined_at), u.id = m.host_id,
         left(encode(sha256(convert_to(s.meeting_id::text || u.id::text, 'UTF8')), 'hex'), 12)
    from public.stays s
    join public.users u on u.id = s.user_id
    join public.meetings m on m.id = s.meeting_id
   where s.meeting_id = any (meetings) and s.is_open and s.is_best
     and (current_setting('role') in ('none', 'portal_admin')
          or (public.entitled(auth.uid(), (select public.club_now())) and (not m.is_private or exists (
                select from public.meeting_attendances a where a.meeting_id = m.id and a.user_id = auth.uid()))))
   group by s.meeting_id, u.id, m.host_id
   order by 3 desc, 2
$$;
alter function rosters owner to portal_definer;
revoke all on function rosters from public;
grant execute on function rosters to portal_member, portal_admin, portal_web;
