"""v2.9: reminders, digests and daily invitations.

Revision ID: v2.9_digests
Revises: v2.9_club
"""

from portal.database.migration import rewrite, run

revision = "v2.9_digests"
down_revision = "v2.9_club"
branch_labels = None
depends_on = None

COLUMNS = """
-- When everybody was first invited to an open meeting: whoever gets access after that is invited with it.
alter table meetings add everybody_invited_at timestamptz;
-- Written because the meeting is open to everybody, and not because somebody invited this person.
alter table meeting_attendances add is_general boolean not null default false;
-- All but those of whom nothing is known besides that everybody is invited.
create index ix_meeting_attendances_known on meeting_attendances (meeting_id, user_id)
  where not is_general or answer <> 'invited' or joined_at is not null or outcome is not null;
drop index ix_meeting_attendances_domains;
create index ix_meeting_attendances_domains on meeting_attendances (meeting_id, email_domain)
  include (is_external_domain, answer, outcome, join_duration)
  where not is_general or answer <> 'invited' or joined_at is not null or outcome is not null;
"""


def upgrade() -> None:
    run(COLUMNS)


def downgrade() -> None:
    # An older portal takes an invitation for somebody's wish that just this person may see a meeting.
    rewrite(
        "delete from meeting_attendances where is_general and answer = 'invited' and joined_at is null and outcome is null",
        "meeting_attendances",
    )
    run("""
    drop index ix_meeting_attendances_known, ix_meeting_attendances_domains;
    create index ix_meeting_attendances_domains on meeting_attendances (meeting_id, email_domain)
      include (is_external_domain, answer, outcome, join_duration);
    alter table meeting_attendances drop is_general;
    alter table meetings drop everybody_invited_at;
    """)
