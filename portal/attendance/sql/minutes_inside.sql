-- Minutes in the room: the union of a person's intervals, clipped to half an hour before the start and four after the end.
create function minutes_inside(meeting uuid, person uuid)
returns integer language sql stable security definer set search_path = '' as $$
  select coalesce(round(sum(extract(epoch from upper(r) - lower(r))) / 60), 0)::integer
    from (select unnest(range_agg(tstzrange(p.joined_at, coalesce(p.left_at, m.ends_at), '[]')
                        * tstzrange(m.starts_at - interval '30 minutes', m.ends_at + interval '4 hours'))) as r
            from public.presences p join public.meetings m on m.id = p.meeting_id
           where p.meeting_id = meeting and p.user_id = person and coalesce(p.left_at, m.ends_at) >= p.joined_at) i
$$;
alter function minutes_inside owner to portal_definer;
revoke all on function minutes_inside from public;
