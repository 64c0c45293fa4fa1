-- What a mail says, for an admin: never of one that holds a link or code that opens something, also while it is queued. No
-- row for those. Two things in the others act for their recipient and are left out: the address that switches mails off, and the one
-- that takes a calendar's answer, which may be folded (RFC 5545 3.1). The caller notes the reading in the log (portal/mail/outbox.py).
create function mail_body(mail uuid)
returns table (text text, html text, calendar text) language sql stable security definer set search_path = '' as $$
  select regexp_replace(m.text, '/unsubscribe/[\w.-]+', '/unsubscribe/…', 'g'),
         regexp_replace(m.html, '/unsubscribe/[\w.-]+', '/unsubscribe/…', 'g'),
         regexp_replace(m.calendar, '\+(\r?\n )?([a-z2-7](\r?\n )?){26}@', '+…@', 'g')
    from public.mails m where m.id = mail and not m.secret
$$;
alter function mail_body owner to portal_definer;
revoke all on function mail_body from public;
grant execute on function mail_body to portal_admin;
