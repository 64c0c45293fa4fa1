-- An admin's word on who a participant was; null: nobody of the club. Their account is that person's from then on. The
-- other meetings in which that account is nobody's yet, or told somebody else, for `match_participants`. Locks the meeting's row.
create function name_participant(participant uuid, person uuid)
returns uuid[] language plpgsql security definer set search_path = '' as $$
declare
  at constant timestamptz := public.club_now();
  p public.participants;
begin
  select * into p from public.participants x where x.id = participant;
  perform from public.meetings m where m.id = p.meeting_id for no key update;
  update public.participants x
     set user_id = person, matched_by = case when person is not null then 'person' end, is_guest = person is null
   where x.id = participant;
  if p.account is not null and public.room_platform(p.meeting_id) <> 'link' then
    if person is null then
      delete from public.known_accounts k where (k.platform, k.account) = (public.room_platform(p.meeting_id), p.account);
    else
      insert into public.known_accounts (platform, account, user_id, learnt_at)
      values (public.room_platform(p.meeting_id), p.account, person, at)
      on conflict on constraint pk_known_accounts do update set user_id = excluded.user_id, learnt_at = excluded.learnt_at;
    end if;
  end if;
  perform public.match_participants(p.meeting_id, '{}', at);
  return array(select distinct x.meeting_id from public.participants x
                where x.account = p.account and x.meeting_id <> p.meeting_id and not x.is_guest
                  and (x.user_id is null or x.matched_by = 'account') and x.user_id is distinct from person);
end
$$;
alter function name_participant owner to portal_definer;
revoke all on function name_participant from public;
grant execute on function name_participant to portal_admin;
