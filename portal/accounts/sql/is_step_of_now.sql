-- Whether a code of this half-minute (RFC 6238, counted from 1970) may be shown by an app just now: the one before, this
-- one or the next, and one more on either side for the time a request takes.
create function auth.is_step_of_now(step bigint)
returns boolean language sql stable as $$
  select step between s.now - 2 and s.now + 2 from (select floor(extract(epoch from public.club_now()) / 30)::bigint) s (now)
$$;
