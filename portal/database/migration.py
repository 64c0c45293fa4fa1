"""What every revision needs: SQL as it is written, and tables closed from birth."""

from alembic import op
from sqlalchemy import text

WEB = "portal_anonymous, portal_member, portal_admin"


def run(sql: str) -> None:
    """Execute `sql` (one statement or several) exactly as written."""
    op.execute(text(sql.replace(":", r"\:")))


def rewrite(sql: str) -> None:
    """Change rows that are there. The owner sees none of them (its tables force their policies), the definer all."""
    run(f"set local role portal_definer; {sql}; reset role;")


def close(*tables: str) -> None:
    """Force row security on `tables` and give them to the two roles that see every row.

    The worker gets its rights by policy, as everybody; the definer role bypasses policies but still needs
    grants. What members, admins and visitors may do is granted table by table, beside the table.
    """
    for table in tables:
        run(
            f"alter table {table} enable row level security;"
            f"alter table {table} force row level security;"
            f"create policy worker on {table} to portal_worker using (true) with check (true);"
            f"grant select, insert, update, delete on {table} to portal_worker, portal_definer;"
        )


def definer(*signatures: str, to: str = "", owner: str = "portal_definer") -> None:
    """Make functions SECURITY DEFINER of `owner`, callable by the roles in `to` and nobody else."""
    for signature in signatures:
        run(
            f"alter function {signature} security definer;"
            f"alter function {signature} set search_path = '';"
            f"alter function {signature} owner to {owner};"
            f"revoke all on function {signature} from public;"
            + (f"grant execute on function {signature} to {to};" if to else "")
        )
