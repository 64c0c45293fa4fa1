"""v2.9: standing answers and notes to the host.

Revision ID: v2.9_answers
Revises: v2.8_inbox
"""

from portal.database.migration import close, run

revision = "v2.9_answers"
down_revision = "v2.8_inbox"
branch_labels = None
depends_on = None

TABLES = """
-- What a person answers to many meetings at once: those of a weekday, those of a series, or all while they are away.
create table standing_answers (
  id uuid constraint pk_standing_answers primary key default new_id(),
  user_id uuid not null constraint fk_standing_answers_user_id_users references users on delete cascade,
  kind text not null constraint check_kind check (kind in ('weekday', 'series', 'away')),
  -- From Monday, 1, to Sunday, 7, in the zone of the person.
  weekday smallint constraint check_weekday check (weekday between 1 and 7),
  series_id uuid constraint fk_standing_answers_series_id_meeting_series references meeting_series on delete cascade,
  response text not null constraint check_response check (response in ('accepted', 'declined')),
  -- Meetings that begin in this span; without an end until it is ended.
  starts_at timestamptz not null,
  ends_at timestamptz,
  created_at timestamptz not null default now(),
  -- When all meetings ahead had followed it; null while they are being answered.
  followed_at timestamptz,
  -- Ended: it answers nothing more. What it answered stays as if the person had said it, or is being taken back; then the
  -- row goes.
  ended_at timestamptz,
  keeps_answers boolean not null default true,
  constraint check_what check ((kind = 'weekday') = (weekday is not null) and (kind = 'series') = (series_id is not null)),
  constraint check_away check (kind <> 'away' or response = 'declined'),
  constraint check_span check (starts_at < ends_at)
);
create index ix_standing_answers_user_id on standing_answers (user_id);
create index ix_standing_answers_series_id on standing_answers (series_id);
create unique index uq_standing_answers_weekday on standing_answers (user_id, weekday) where ended_at is null;
create unique index uq_standing_answers_series on standing_answers (user_id, series_id) where ended_at is null;

alter table meeting_attendances
  -- The rule that gave this answer; null for what the person said.
  add standing_answer_id uuid
    constraint fk_meeting_attendances_standing_answer_id_standing_answers references standing_answers on delete set null,
  -- What the person tells the host beside the answer.
  add note text constraint check_note check (char_length(note) between 1 and 200 and note !~ '[[:cntrl:]]');
create index ix_meeting_attendances_standing_answer_id on meeting_attendances (standing_answer_id);
create index ix_meeting_attendances_note on meeting_attendances (meeting_id) where note is not null;

-- When a meeting was last answered by the rules of everybody.
create table rules_followed (
  meeting_id uuid constraint pk_rules_followed primary key
    constraint fk_rules_followed_meeting_id_meetings references meetings on delete cascade,
  followed_at timestamptz not null
);
"""


def upgrade() -> None:
    run(TABLES)
    close("standing_answers", "rules_followed")


def downgrade() -> None:
    run("""
    alter table meeting_attendances drop standing_answer_id, drop note;
    drop table rules_followed, standing_answers;
    """)
