"""v2.6: rooms at a platform, who was seen in them, and what the platform said.

Revision ID: v2.6_rooms
Revises: v2.5_wishes
"""

from portal.database.migration import close, rewrite, run

revision = "v2.6_rooms"
down_revision = "v2.5_wishes"
branch_labels = None
depends_on = None

ROOMS = """
alter table meetings drop constraint check_platform,
  add constraint check_platform check (platform in ('google-meet', 'zoom', 'link')),
  -- What is known of who came. Null until half an hour after the end; not_recorded where nobody could be observed.
  add attendance_record text
    constraint check_attendance_record check (attendance_record in ('provisional', 'final', 'not_recorded'));
alter table meeting_series drop constraint check_platform,
  add constraint check_platform check (platform in ('google-meet', 'zoom', 'link'));

-- What a platform tells is of a meeting by its name there.
create index ix_meetings_meeting_id on meetings (meeting_id) where meeting_id is not null;

-- The room of a meeting: what it was made for, what went wrong, and what the platform told. Its sealed address is
-- meetings.meeting_link, its name at the platform meetings.meeting_id, its state meetings.provision_state.
create table rooms (
  meeting_id uuid constraint pk_rooms primary key
    constraint fk_rooms_meeting_id_meetings references meetings on delete cascade,
  -- How it came to be: typed by a person (link), or made at a platform.
  made_by text not null constraint check_made_by check (made_by in ('link', 'google-meet', 'zoom')),
  -- The meeting it was made for; where the meeting differs, the room is changed.
  title text not null,
  starts_at timestamptz not null,
  duration integer not null,
  attempts integer not null default 0,
  next_try_at timestamptz,
  -- Why there is none, a sentence for hosts and admins.
  failure text,
  ready_at timestamptz,
  -- The host's own address, sealed, and until when the platform takes it.
  host_address text,
  host_address_until timestamptz,
  started_at timestamptz,
  ended_at timestamptz,
  polled_at timestamptz,
  -- How often the platform was asked for its report after the end, and when it was whole.
  report_attempts integer not null default 0,
  reported_at timestamptz,
  -- How often it was asked after the end what it recorded.
  recording_attempts integer not null default 0,
  -- When the host last reminded those who said yes and are missing.
  reminded_at timestamptz,
  -- Whether the platform gives everybody an address of their own; null until it was asked.
  has_registrants boolean
);
create index ix_rooms_next_try_at on rooms (next_try_at) where next_try_at is not null;

-- A typed address for every meeting of a series, sealed.
create table series_links (
  series_id uuid constraint pk_series_links primary key
    constraint fk_series_links_series_id_meeting_series references meeting_series on delete cascade,
  address text not null
);

-- A room at a platform that is no meeting's any more, until it is deleted there.
create table obsolete_rooms (
  platform text not null constraint check_platform check (platform in ('google-meet', 'zoom')),
  provider_id text not null,
  attempts integer not null default 0,
  next_try_at timestamptz,
  constraint pk_obsolete_rooms primary key (platform, provider_id)
);

-- A person's own address into a room, where the platform gives one.
create table room_registrants (
  meeting_id uuid not null constraint fk_room_registrants_meeting_id_meetings references meetings on delete cascade,
  user_id uuid not null constraint fk_room_registrants_user_id_users references users on delete cascade,
  registrant_id text not null,
  address text not null,
  revoked_at timestamptz,
  constraint pk_room_registrants primary key (meeting_id, user_id),
  constraint uq_room_registrants_registrant_id unique (meeting_id, registrant_id)
);
create index ix_room_registrants_user_id on room_registrants (user_id);

-- What a platform's signed messages said, each once.
create table room_events (
  id text constraint pk_room_events primary key,
  platform text not null constraint check_platform check (platform in ('google-meet', 'zoom')),
  kind text not null,
  provider_id text not null,
  body jsonb not null,
  occurred_at timestamptz not null,
  received_at timestamptz not null,
  handled_at timestamptz,
  outcome text
);
create index ix_room_events_received_at on room_events (received_at);

-- Somebody in a room as its platform knows them, and who that is here.
create table participants (
  id uuid constraint pk_participants primary key default new_id(),
  meeting_id uuid not null constraint fk_participants_meeting_id_meetings references meetings on delete cascade,
  -- The platform's name for them in this meeting, the same after leaving and coming back as far as it knows.
  identity text not null,
  name text not null default '',
  account text,
  email text,
  user_id uuid constraint fk_participants_user_id_users references users on delete set null,
  matched_by text constraint check_matched_by check (matched_by in ('registrant', 'host', 'account', 'email', 'person')),
  -- A person looked: it is nobody of the club.
  is_guest boolean not null default false,
  constraint uq_participants_identity unique (meeting_id, identity),
  constraint check_match check ((user_id is null) or (matched_by is not null and not is_guest))
);
create index ix_participants_user_id on participants (user_id);
create index ix_participants_unmatched on participants (meeting_id) where user_id is null and not is_guest;

-- Whose an account at a platform is, learnt once.
create table known_accounts (
  platform text not null constraint check_platform check (platform in ('google-meet', 'zoom')),
  account text not null,
  user_id uuid not null constraint fk_known_accounts_user_id_users references users on delete cascade,
  learnt_at timestamptz not null,
  constraint pk_known_accounts primary key (platform, account)
);
create index ix_known_accounts_user_id on known_accounts (user_id);

alter table presences
  -- Who says so: the platform's report, its event, our asking it, or the click on Join (which a heartbeat keeps seen).
  add source text not null default 'event'
    constraint check_presence_source check (source in ('report', 'event', 'poll', 'click')),
  add participant_id uuid constraint fk_presences_participant_id_participants references participants on delete cascade,
  -- The platform's name for this one stay.
  add session text,
  alter user_id drop not null,
  -- Null where only the leaving was told, as yet or for good. Both moments are kept as a platform told them, in whichever
  -- order.
  alter joined_at drop not null,
  drop constraint check_presence_order,
  add constraint check_presence_moment check (joined_at is not null or left_at is not null),
  add constraint check_presence_person check (user_id is not null or participant_id is not null),
  add constraint uq_presences_session unique (participant_id, source, session);

-- What the host leaves for those who may read it after a meeting: notes in Markdown, null where there are none. The row stays
-- when they are removed, and is there too where only a recording was published, since it knows whether people were told.
create table meeting_notes (
  meeting_id uuid constraint pk_meeting_notes primary key
    constraint fk_meeting_notes_meeting_id_meetings references meetings on delete cascade,
  body text constraint check_body check (char_length(body) <= 10000),
  written_by uuid constraint fk_meeting_notes_written_by_users references users on delete set null,
  written_at timestamptz,
  -- When those who came were told that there is something, once.
  told_at timestamptz
);
create index ix_meeting_notes_written_by on meeting_notes (written_by);

-- What a platform recorded: offered to the host, shown to nobody until the host says so. Sealed.
create table recordings (
  id uuid constraint pk_recordings primary key default new_id(),
  meeting_id uuid not null constraint fk_recordings_meeting_id_meetings references meetings on delete cascade,
  recording_id text not null,
  kind text not null,
  address text not null,
  offered_at timestamptz not null,
  published_at timestamptz,
  constraint uq_recordings_recording_id unique (meeting_id, recording_id)
);
"""


def upgrade() -> None:
    run(ROOMS)
    close(
        "rooms",
        "series_links",
        "obsolete_rooms",
        "room_registrants",
        "room_events",
        "participants",
        "known_accounts",
        "meeting_notes",
        "recordings",
    )
    rewrite(
        "update meetings set attendance_record = 'final' where status = 'completed' or archived_from = 'completed'",
        "meetings",
    )


def downgrade() -> None:
    rewrite("delete from presences where user_id is null or joined_at is null", "presences")
    rewrite("update presences set left_at = joined_at where left_at < joined_at", "presences")
    rewrite("update meetings set platform = 'google-meet' where platform = 'link'", "meetings")
    rewrite("update meeting_series set platform = 'google-meet' where platform = 'link'", "meeting_series")
    run("""
    alter table presences drop constraint uq_presences_session, drop constraint check_presence_person,
      drop constraint check_presence_moment, alter user_id set not null, alter joined_at set not null,
      add constraint check_presence_order check (left_at >= joined_at), drop session, drop participant_id, drop source;
    drop table recordings, meeting_notes, known_accounts, participants, room_events, room_registrants, obsolete_rooms, series_links,
      rooms;
    alter table meeting_series drop constraint check_platform,
      add constraint check_platform check (platform in ('google-meet', 'zoom'));
    drop index ix_meetings_meeting_id;
    alter table meetings drop attendance_record, drop constraint check_platform,
      add constraint check_platform check (platform in ('google-meet', 'zoom'));
    """)
