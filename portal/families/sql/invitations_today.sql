-- How many invitation mails a plan sent in the day before `at`.
create function invitations_today(plan uuid, at timestamptz)
returns bigint language sql stable security definer set search_path = '' as $$
  select count(*) from public.family_memberships m, unnest(m.sent_at) as sent
   where m.plan_id = plan and sent > at - interval '1 day'
$$;
alter function invitations_today owner to portal_definer;
revoke all on function invitations_today from public;
