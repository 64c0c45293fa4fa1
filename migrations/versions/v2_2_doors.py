"""v2.2: no account is made before its address is proven; a lost second factor ends after a delay.

What a sign-up or a reset that was never confirmed had typed, names and a password's hash, is forgotten: whoever opens the
mail chooses their own.

Revision ID: v2.2_doors
Revises: v2.1_time
"""

from portal.database.migration import rewrite, run

revision = "v2.2_doors"
down_revision = "v2.1_time"
branch_labels = None
depends_on = None

TABLES = """
-- A second factor whose owner set a new password by mail and said that app and codes are lost: it ends then, unless
-- somebody signs in with it before.
create table second_factor_endings (
  user_id uuid constraint pk_second_factor_endings primary key
    constraint fk_second_factor_endings_user_id_users references users on delete cascade,
  asked_at timestamptz not null,
  ends_at timestamptz not null,
  told_at timestamptz,
  constraint check_later check (ends_at > asked_at)
);

-- Where a person's mails went before: for thirty days what concerns the way in is told there too.
create table former_addresses (
  id uuid constraint pk_former_addresses primary key default new_id(),
  user_id uuid not null constraint fk_former_addresses_user_id_users references users on delete cascade,
  email text not null,
  until timestamptz not null
);
create index ix_former_addresses_user_id on former_addresses (user_id, until);

alter table second_factor_endings enable row level security;
alter table second_factor_endings force row level security;
alter table former_addresses enable row level security;
alter table former_addresses force row level security;

alter table one_time_tokens drop constraint check_token_purpose,
  add constraint check_token_purpose check (purpose in ('verify', 'reset', 'address', 'keep_factor'));
"""


def upgrade() -> None:
    run(TABLES)
    rewrite("update one_time_tokens set payload = payload - 'password_hash' where payload ? 'password_hash'")
    rewrite("delete from credentials c using users u where u.id = c.user_id and not u.email_verified")
    rewrite("update users set first_name = null, last_name = null, timezone = 'UTC' where not email_verified")


def downgrade() -> None:
    rewrite("delete from one_time_tokens where purpose = 'keep_factor'")
    run("""
      alter table one_time_tokens drop constraint check_token_purpose,
        add constraint check_token_purpose check (purpose in ('verify', 'reset', 'address'));
      drop table second_factor_endings, former_addresses;
    """)
