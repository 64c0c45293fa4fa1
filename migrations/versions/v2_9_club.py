"""v2.9: the club's own words and rules.

Revision ID: v2.9_club
Revises: v2.9_answers
"""

from portal.database.migration import close, run

revision = "v2.9_club"
down_revision = "v2.9_answers"
branch_labels = None
depends_on = None

TABLES = """
-- Pictures an admin sent, by the SHA-256 of what is kept of them. They stand on the front page: anybody may have them.
create table club_pictures (
  digest text constraint pk_club_pictures primary key constraint check_digest check (digest ~ '^[0-9a-f]{64}$'),
  media_type text not null constraint check_media_type check (media_type in ('image/png', 'image/jpeg', 'image/webp')),
  width integer not null,
  height integer not null,
  content bytea not null constraint check_content check (octet_length(content) between 1 and 500000)
);

-- What a club says of itself and the rules it goes by: one row, made from the environment at the first start.
-- `changed_at` tells every process whether what it knows still holds.
create table club (
  singleton boolean constraint pk_club primary key default true constraint check_singleton check (singleton),
  changed_at timestamptz not null default clock_timestamp(),
  club_name text not null constraint check_club_name check (club_name ~ '\\S'),
  help_email text not null,
  club_address text not null default '',
  club_domains text[] not null default '{}',
  club_timezone text not null,
  default_meeting_time time not null,
  doors_minutes integer not null constraint check_doors_minutes check (doors_minutes between 0 and 60),
  welcome_days integer not null constraint check_welcome_days check (welcome_days between 0 and 31),
  grace_days integer not null constraint check_grace_days check (grace_days between 0 and 90),
  tax_words text not null default '',
  front_title text not null default '',
  front_text text not null default '',
  front_picture text constraint fk_club_front_picture_club_pictures references club_pictures (digest),
  front_picture_alt text not null default '',
  privacy_text text not null default '',
  terms_text text not null default '',
  accent_light text not null default '' constraint check_accent_light check (accent_light ~ '^([0-9a-f]{6})?$'),
  accent_dark text not null default '' constraint check_accent_dark check (accent_dark ~ '^([0-9a-f]{6})?$'),
  constraint check_picture_alt check (front_picture is null or front_picture_alt <> '')
);
create index ix_club_front_picture on club (front_picture);
"""


def upgrade() -> None:
    run(TABLES)
    close("club_pictures", "club")


def downgrade() -> None:
    run("drop table club; drop table club_pictures")
