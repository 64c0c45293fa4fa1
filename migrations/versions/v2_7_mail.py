"""v2.7: mails with calendar objects, each person's choices about their mails, addresses that cannot be reached.

Revision ID: v2.7_mail
Revises: v2.6_words
"""

from portal.database.migration import close, run

revision = "v2.7_mail"
down_revision = "v2.6_words"
branch_labels = None
depends_on = None

MAIL = """
alter table mails
  -- The meeting it is about, for whoever looks up what was sent.
  add meeting_id uuid constraint fk_mails_meeting_id_meetings references meetings on delete set null,
  -- A calendar object that goes with it: its iTIP method and the iCalendar text.
  add method text constraint check_method check (method in ('REQUEST', 'CANCEL', 'REPLY')),
  add calendar text,
  add constraint check_calendar check ((method is null) = (calendar is null));
create index ix_mails_meeting_id on mails (meeting_id, created_at desc);
alter table sandbox_mails add method text, add calendar text;

-- What a person chose about their mails. Who has no row has the defaults.
create table mail_preferences (
  user_id uuid constraint pk_mail_preferences primary key
    constraint fk_mail_preferences_user_id_users references users on delete cascade,
  -- Names of categories of mail; three have a column of their own below.
  switched_off text[] not null default '{}',
  -- Hours of the person's own zone in which nothing is sent that can wait.
  quiet_from time,
  quiet_until time,
  -- How often a mail says what is on.
  digest text not null default 'daily' constraint check_digest check (digest in ('daily', 'weekly', 'never')),
  -- Minutes before the start.
  reminders integer[] not null default '{60}' constraint check_reminders check (reminders <@ '{60,1440}'::integer[]),
  -- Whether what belongs in a calendar is mailed; who subscribes to the feed may do without.
  calendar_mails boolean not null default true,
  constraint check_quiet_hours check ((quiet_from is null) = (quiet_until is null))
);

-- Addresses that sent mails back: for good (hard), or for now.
create table unreachable_addresses (
  address_key text constraint pk_unreachable_addresses primary key,
  hard boolean not null,
  bounces integer not null default 1,
  reason text not null,
  first_at timestamptz not null,
  last_at timestamptz not null
);
"""


def upgrade() -> None:
    run(MAIL)
    close("mail_preferences", "unreachable_addresses")


def downgrade() -> None:
    run("""
    drop table unreachable_addresses, mail_preferences;
    drop index ix_mails_meeting_id;
    alter table sandbox_mails drop method, drop calendar;
    alter table mails drop meeting_id, drop method, drop calendar;
    """)
