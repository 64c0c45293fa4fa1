"""v2.9: clubs that move in: which rows came from where, and what was adopted at the payment provider.

Revision ID: v2.9_moving
Revises: v2.9_digests
"""

from portal.database.migration import close, run

revision = "v2.9_moving"
down_revision = "v2.9_digests"
branch_labels = None
depends_on = None

TABLES = """
-- What was taken from another system, by its name there, so that a second run takes nothing twice. A source that has no
-- names of its own gets keyed hashes of addresses, never addresses.
create table imported (
  source text not null,
  kind text not null,
  external_id text not null,
  row_id uuid not null,
  imported_at timestamptz not null default now(),
  constraint pk_imported primary key (source, kind, external_id)
);
create index ix_imported_row_id on imported (row_id);

-- Customers and subscriptions that were not made here and do not bear the club's mark, and which plan theirs is here.
create table adoptions (
  provider_id text constraint pk_adoptions primary key constraint check_adopted check (provider_id ~ '^(cus|sub)_[A-Za-z0-9_]+$'),
  user_id uuid not null constraint fk_adoptions_user_id_users references users on delete cascade,
  subscription_type text not null constraint check_adopted_type check (subscription_type in ('individual', 'family')),
  billing_cycle text not null constraint check_adopted_cycle check (billing_cycle in ('monthly', 'yearly')),
  adopted_at timestamptz not null default now()
);
create index ix_adoptions_user_id on adoptions (user_id);
"""


def upgrade() -> None:
    run(TABLES)
    close("imported", "adoptions")


def downgrade() -> None:
    run("drop table imported; drop table adoptions")
