"""v2.10: a proposal made twice is one; what somebody let their family do ends with their time in it.

Revision ID: v2.10_hand_over
Revises: v2.10_log
"""

from portal.database.migration import definer, run

revision = "v2.10_hand_over"
down_revision = "v2.10_log"
branch_labels = None
depends_on = None

# {unchanged} and {asked} are what this revision is about; {switches} what leaving takes back.
PROPOSING = """
create or replace function propose_transfer(plan uuid, person uuid, at timestamptz) returns text language plpgsql as $$
declare f public.family_plans := public.hold_family(plan, at);
begin
  if not (public.runs_family(f, true) or (person is null and f.is_active and {asked})) then return null; end if;
  if person is not null and not exists (
       select from public.family_memberships m where m.plan_id = plan and m.user_id = person and m.state = 'active' and m.role = 'member') then
    return null;
  end if;
  {unchanged}
  update public.family_plans set transfer_to = person, transfer_proposed_at = case when person is not null then at end where id = plan;
  return case when person is not null then 'proposed' when f.transfer_to is not null then 'withdrawn' else 'nothing' end;
end $$;
"""
PROJECTING = """
create or replace function project_membership() returns trigger language plpgsql as $$
declare
  invited integer := (tg_op <> 'DELETE' and new.state = 'invited')::int - (tg_op <> 'INSERT' and old.state = 'invited')::int;
begin
  if invited <> 0 then
    update public.family_plans set invited_members = invited_members + invited where id = coalesce(new.plan_id, old.plan_id);
  end if;
  if tg_op <> 'INSERT' and old.state = 'active' and (tg_op = 'DELETE' or new.state <> 'active') then
    update public.users set family_plan_id = null, family_role = null, family_joined_at = null{switches} where id = old.user_id;
  elsif tg_op <> 'DELETE' and new.state = 'active' then
    update public.users set family_plan_id = new.plan_id, family_role = new.role, family_joined_at = new.joined_at
     where id = new.user_id;
  end if;
  return null;
end $$;
"""


def upgrade() -> None:
    _make(
        asked="coalesce(f.transfer_to = auth.uid(), false)",
        unchanged="if f.transfer_to = person then return 'unchanged'; end if;",
        switches=", shares_attendance = false, family_may_answer = false",
    )


def downgrade() -> None:
    _make(asked="f.transfer_to = auth.uid()", unchanged="", switches="")


def _make(asked: str, unchanged: str, switches: str) -> None:
    run(PROPOSING.replace("{asked}", asked).replace("{unchanged}", unchanged))
    run(PROJECTING.replace("{switches}", switches))
    definer("propose_transfer(uuid, uuid, timestamptz)", to="portal_member, portal_admin")
    definer("project_membership()")
