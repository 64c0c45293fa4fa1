-- Notes whose calendar may have to be told: a yes comes or goes, somebody is invited by name, or an entry that was mailed is
-- no longer as it was. Whatever changes an answer, no code has to remember. Rows that invite everybody to an open evening are
-- read once and cost nothing more. An answer of one's own is mailed 20 seconds later, in case it is taken back; what others
-- did for somebody has two minutes, since most of it is told by a mail of its own, which then carries the calendar object.
create function note_answers()
returns trigger language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  me constant uuid := auth.uid();
begin
  if tg_op = 'INSERT' then
    insert into public.calendar_changes as c (meeting_id, user_id, by_rule, due_at)
    select n.meeting_id, n.user_id, me is null, at + case when n.user_id = me then interval '20 seconds' else interval '2 minutes' end
      from new_rows n where n.answer = 'accepted'
    union all
    select n.meeting_id, n.user_id, me is null, at + interval '2 minutes'
      from (select distinct r.meeting_id from new_rows r where r.answer = 'invited') invited
      join public.meetings m on m.id = invited.meeting_id and m.is_private
      join new_rows n on n.meeting_id = m.id and n.answer = 'invited' and n.user_id is distinct from m.host_id
     order by 1, 2
    on conflict on constraint uq_calendar_changes_meeting_id do update
      set noted_at = excluded.noted_at, by_rule = excluded.by_rule, due_at = excluded.due_at;
  elsif tg_op = 'UPDATE' then
    insert into public.calendar_changes as c (meeting_id, user_id, by_rule, due_at)
    select n.meeting_id, n.user_id, me is null, at + case when n.user_id = me then interval '20 seconds' else interval '2 minutes' end
      from new_rows n join old_rows o on o.id = n.id
     where (n.answer, n.agreed_to) is distinct from (o.answer, o.agreed_to)
       and ('accepted' in (n.answer, o.answer) or exists (
             select from public.calendar_entries e where e.meeting_id = n.meeting_id and e.user_id = n.user_id))
     order by 1, 2
    on conflict on constraint uq_calendar_changes_meeting_id do update
      set noted_at = excluded.noted_at, by_rule = excluded.by_rule, due_at = excluded.due_at;
  else
    -- A meeting or person that goes takes its entries along.
    insert into public.calendar_changes as c (meeting_id, user_id, by_rule, due_at)
    select e.meeting_id, e.user_id, me is null, at + interval '2 minutes'
      from old_rows o
      join public.calendar_entries e on e.meeting_id = o.meeting_id and e.user_id = o.user_id
      join public.meetings m on m.id = e.meeting_id
      join public.users u on u.id = e.user_id
     order by 1, 2
    on conflict on constraint uq_calendar_changes_meeting_id do update
      set noted_at = excluded.noted_at, by_rule = excluded.by_rule, due_at = excluded.due_at;
  end if;
  return null;
end
$$;
alter function note_answers owner to portal_definer;
revoke all on function note_answers from public;

create trigger note_answers_on_insert after insert on meeting_attendances
  referencing new table as new_rows for each statement execute function note_answers();
create trigger note_answers_on_update after update on meeting_attendances
  referencing old table as old_rows new table as new_rows for each statement execute function note_answers();
create trigger note_answers_on_delete after delete on meeting_attendances
  referencing old table as old_rows for each statement execute function note_answers();
