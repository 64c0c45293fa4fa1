"""v2.5: what a payer last asked of the provider, until it answers; and who wants a mail before each monthly payment.

Revision ID: v2.5_wishes
Revises: v2.4_search
"""

from portal.database.migration import run

revision = "v2.5_wishes"
down_revision = "v2.4_search"
branch_labels = None
depends_on = None


def upgrade() -> None:
    run("""
    alter table payers add column asked_for text
      constraint check_asked_for check (asked_for in ('end', 'renew', 'change', 'stay'));
    alter table users add column renewal_mail boolean not null default false;
    """)


def downgrade() -> None:
    run("""
    alter table users drop column renewal_mail;
    alter table payers drop column asked_for;
    """)
