-- Has this person said that they are away at this moment?
create function is_away(person uuid, at timestamptz)
returns boolean language sql stable as $$
  select exists (
    select from public.standing_answers s
     where s.user_id = person and s.kind = 'away' and s.ended_at is null
       and s.starts_at <= at and (s.ends_at is null or s.ends_at > at))
$$;
alter function is_away owner to portal_definer;
revoke all on function is_away from public;
