-- What the feed with this hash shows now: no row if there is none (any more), else its state and a row for each meeting, or
-- one row without a meeting. Only what its person may see as a member at this moment: nothing without access, a private
-- meeting only to who is invited, for admins too. From 60 days back to all that is planned, 1000 at most, so that it costs
-- the same however large the club and its past. Called by whoever has the address; locks nothing.
create function read_feed(hash bytea)
returns table (
  state text, shows text, made_at timestamptz, id uuid, title text, starts_at timestamptz, ends_at timestamptz,
  timezone text, host_name text, status text, answer text, agreed_to timestamptz, is_host boolean, sequence integer,
  changed_at timestamptz
) language sql stable security definer set search_path = '' as $$
  select f.state, f.shows, f.created_at, m.*
    from (select c.shows, c.created_at, c.user_id,
                 case when u.closed_at is not null then 'closed'
                      when not u.is_active then 'suspended'
                      when not public.entitled(u.id, (select public.club_now())) then 'no-access'
                      else 'open' end as state
            from public.calendar_feeds c join public.users u on u.id = c.user_id
           where c.token_hash = hash) f
    left join lateral (
      select x.id, x.title, x.starts_at, x.ends_at, x.timezone, x.host_name, coalesce(x.archived_from, x.status),
             case when a.answer = 'offered' and a.offer_expires_at <= (select public.club_now()) then 'withdrawn'
                  else a.answer end, a.agreed_to,
             x.host_id is not distinct from f.user_id,
             greatest(x.revision, e.sequence), greatest(x.updated_at, a.updated_at)
        from public.meetings x
        left join public.meeting_attendances a on a.meeting_id = x.id and a.user_id = f.user_id
        left join public.calendar_entries e on e.meeting_id = x.id and e.user_id = f.user_id
       where f.state = 'open' and x.starts_at > (select public.club_now()) - interval '60 days'
         and (not x.is_private or a.id is not null)
         and (f.shows = 'everything' or x.host_id = f.user_id
              or a.answer in ('accepted', 'offered', 'waitlisted', 'requested') or (a.answer = 'invited' and x.is_private))
       order by x.starts_at, x.id limit 1000) m on true
$$;
alter function read_feed owner to portal_definer;
revoke all on function read_feed from public;
grant execute on function read_feed to portal_anonymous, portal_member, portal_admin;
