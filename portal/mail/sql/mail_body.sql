-- What a mail says, for an admin: never of one that holds a link or code that opens something, also while it is queued. No
-- row for those. The caller notes the reading in the log (portal/mail/outbox.py).
create function mail_body(mail uuid)
returns table (text text, html text, calendar text) language sql stable security definer set search_path = '' as $$
  select m.text, m.html, m.calendar from public.mails m where m.id = mail and not m.secret
$$;
alter function mail_body owner to portal_definer;
revoke all on function mail_body from public;
grant execute on function mail_body to portal_admin;
