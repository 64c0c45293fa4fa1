-- How many stand before me in the line of this meeting, and I: 1 is next. Null if I am not waiting.
create function waiting_position(meeting uuid)
returns integer language sql stable security definer set search_path = '' as $$
  select (select count(*) from public.meeting_attendances o
           where o.meeting_id = meeting and o.answer = 'waitlisted'
             and (o.waiting_since, o.id) <= (me.waiting_since, me.id))::integer
    from public.meeting_attendances me
   where me.meeting_id = meeting and me.user_id = auth.uid() and me.answer = 'waitlisted'
$$;
alter function waiting_position owner to portal_definer;
revoke all on function waiting_position from public;
grant execute on function waiting_position to portal_member, portal_admin;
