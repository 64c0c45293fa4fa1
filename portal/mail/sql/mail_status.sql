-- The outbox: how many mails wait and since when, how many failed since a moment, and one reason.
create function mail_status(since timestamptz)
returns table (waiting bigint, waiting_since timestamptz, failed bigint, failure text) language sql stable security definer set search_path = '' as $$
  select count(*) filter (where state = 'queued'), min(created_at) filter (where state = 'queued'),
         count(*) filter (where state = 'failed'), max(failure) filter (where state = 'failed')
    from (select state, created_at, failure from public.mails where state = 'queued'
          union all
          select state, created_at, failure from public.mails where state = 'failed' and created_at > since) m
$$;
alter function mail_status owner to portal_definer;
revoke all on function mail_status from public;
grant execute on function mail_status to portal_admin, portal_worker;
