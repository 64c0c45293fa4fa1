"""What every revision needs: SQL as it is written, and tables closed from birth."""

from alembic import op
from sqlalchemy import text

WEB = "portal_anonymous, portal_member, portal_admin"


def run(sql: str) -> None:
    """Execute `sql` (one statement or several) exactly as written."""
    op.execute(text(sql.replace(":", r"\:")))


def close(*tables: str) -> None:
    """Force row security on `tables`: not even their owner sees a row until a policy says so."""
    for table in tables:
        run(f"alter table {table} enable row level security, force row level security")


def rewrite(sql: str, *tables: str) -> None:
    """Change rows of closed `tables`: for as long as it takes, their owner sees them."""
    for table in tables:
        run(f"alter table {table} no force row level security")
    run(sql)
    for table in tables:
        run(f"alter table {table} force row level security")
