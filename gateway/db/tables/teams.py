"""Teams and their members."""

from piccolo.columns import JSONB, Array, BigInt, Boolean, Integer, OnDelete, Text
from piccolo.table import Table

from gateway.db.columns import Money, TimestampMillis, foreign_key, utc_now_millis
from gateway.db.composite import CompositeKeyRows
from gateway.ids import new_id

__all__ = ["DeletedTeamTable", "TeamMembership", "TeamTable"]


class TeamTable(Table, tablename="LiteLLM_TeamTable"):
    """A team with members, budget, limits and settings."""

    team_id = Text(default=new_id, primary_key=True)
    team_alias = Text(default=None, index=True, null=True)
    organization_id = foreign_key(
        "organizations.OrganizationTable.organization_id", on_delete=OnDelete.set_null, index=True, null=True
    )
    admins = Array(Text(), default=list, null=True)
    members = Array(Text(), default=list, null=True)
    members_with_roles = JSONB(default="{}")
    metadata = JSONB(default="{}")
    max_budget = Money(default=None, null=True)
    spend = Money(default=0.0)
    models = Array(Text(), default=list, null=True)
    max_parallel_requests = Integer(default=None, null=True)
    tpm_limit = BigInt(default=None, null=True)
    rpm_limit = BigInt(default=None, null=True)
    budget_duration = Text(default=None, null=True)
    budget_reset_at = TimestampMillis(default=None, null=True)
    blocked = Boolean(default=False)
    created_at = TimestampMillis(default=utc_now_millis, index=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    model_spend = JSONB(default="{}")
    model_max_budget = JSONB(default="{}")
    model_id = foreign_key("models.ModelTable.id", on_delete=OnDelete.set_null, unique=True, null=True)
    team_member_permissions = Array(Text(), default=list, null=True)
    object_permission_id = foreign_key(
        "permissions.ObjectPermissionTable.object_permission_id", on_delete=OnDelete.set_null, null=True
    )
    router_settings = JSONB(default="{}", null=True)
    policies = Array(Text(), default=list, null=True)
    allow_team_guardrail_config = Boolean(default=False)
    soft_budget = Money(default=None, null=True)
    access_group_ids = Array(Text(), default=list, null=True)
    budget_limits = JSONB(default=None, null=True)
    default_team_member_models = Array(Text(), default=list, null=True)
    tpd_limit = BigInt(default=None, null=True)


class DeletedTeamTable(Table, tablename="LiteLLM_DeletedTeamTable"):
    """The last state of a deleted team, with who deleted it."""

    id = Text(default=new_id, primary_key=True)
    team_id = Text(default=None, required=True, index=True)
    team_alias = Text(default=None, index=True, null=True)
    organization_id = Text(default=None, index=True, null=True)
    object_permission_id = Text(default=None, null=True)
    admins = Array(Text(), default=list, null=True)
    members = Array(Text(), default=list, null=True)
    members_with_roles = JSONB(default="{}")
    metadata = JSONB(default="{}")
    max_budget = Money(default=None, null=True)
    spend = Money(default=0.0)
    models = Array(Text(), default=list, null=True)
    max_parallel_requests = Integer(default=None, null=True)
    tpm_limit = BigInt(default=None, null=True)
    rpm_limit = BigInt(default=None, null=True)
    budget_duration = Text(default=None, null=True)
    budget_reset_at = TimestampMillis(default=None, null=True)
    blocked = Boolean(default=False)
    model_spend = JSONB(default="{}")
    model_max_budget = JSONB(default="{}")
    team_member_permissions = Array(Text(), default=list, null=True)
    model_id = Integer(default=None, null=True)
    created_at = TimestampMillis(default=None, index=True, null=True)
    updated_at = TimestampMillis(default=None, null=True)
    deleted_at = TimestampMillis(default=utc_now_millis, index=True)
    deleted_by = Text(default=None, null=True)
    deleted_by_api_key = Text(default=None, null=True)
    litellm_changed_by = Text(default=None, null=True)
    router_settings = JSONB(default="{}", null=True)
    policies = Array(Text(), default=list, null=True)
    allow_team_guardrail_config = Boolean(default=False)
    soft_budget = Money(default=None, null=True)
    access_group_ids = Array(Text(), default=list, null=True)
    tpd_limit = BigInt(default=None, null=True)


class TeamMembership(CompositeKeyRows, Table, tablename="LiteLLM_TeamMembership"):
    """A user's spend and budget within one team."""

    user_id = Text(default=None, primary_key=True, required=True)
    team_id = Text(default=None, primary_key=True, required=True)
    spend = Money(default=0.0)
    budget_id = foreign_key("budgets.BudgetTable.budget_id", on_delete=OnDelete.set_null, null=True)
    total_spend = Money(default=0.0)
