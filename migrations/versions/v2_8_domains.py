"""v2.8: who comes from elsewhere: addresses of other domains than the club's own.

The club's domains are a setting; the database keeps a copy, so that a row knows at the moment of its invitation whether its
person is external. Without any nobody is.

Revision ID: v2.8_domains
Revises: v2.8_afterwards
"""

from portal.database.migration import close, definer, run

revision = "v2.8_domains"
down_revision = "v2.8_afterwards"
branch_labels = None
depends_on = None

UP = """
create table club_domains (
  domain text constraint pk_club_domains primary key constraint check_domain check (domain = lower(domain) and domain !~ '[@[:space:]]')
);

-- One meeting's numbers are read from this index alone, however many meetings there are.
create index ix_meeting_attendances_domains on meeting_attendances (meeting_id, email_domain)
  include (is_external_domain, answer, outcome, join_duration);
"""

NOTE = """
-- Fixed when the person is invited or answers; a bulk insert brings the domain along and skips this.
create or replace function note_domain() returns trigger language plpgsql as $$
begin
  select split_part(email_key, '@', 2) into new.email_domain from public.users where id = new.user_id;{external}
  return new;
end $$;
"""
EXTERNAL = """
  new.is_external_domain := exists (select from public.club_domains)
    and not exists (select from public.club_domains d where d.domain = new.email_domain);"""


def upgrade() -> None:
    run(UP)
    close("club_domains")
    run(NOTE.replace("{external}", EXTERNAL))
    definer("note_domain()")


def downgrade() -> None:
    run(NOTE.replace("{external}", ""))
    definer("note_domain()")
    run("drop index ix_meeting_attendances_domains; drop table club_domains")
