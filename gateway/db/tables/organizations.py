"""Organizations, their members and projects."""

from piccolo.columns import JSONB, Array, Boolean, OnDelete, Text
from piccolo.table import Table

from gateway.db.columns import Money, TimestampMillis, foreign_key, utc_now_millis
from gateway.db.composite import CompositeKeyRows
from gateway.ids import new_id

__all__ = ["OrganizationMembership", "OrganizationTable", "ProjectTable"]


class OrganizationTable(Table, tablename="LiteLLM_OrganizationTable"):
    """An organization; its budget is mandatory."""

    organization_id = Text(default=new_id, primary_key=True)
    organization_alias = Text(default=None, required=True)
    budget_id = foreign_key("budgets.BudgetTable.budget_id", on_delete=OnDelete.restrict, required=True)
    metadata = JSONB(default="{}")
    models = Array(Text(), default=list, null=True)
    spend = Money(default=0.0)
    model_spend = JSONB(default="{}")
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, required=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, required=True)
    object_permission_id = foreign_key(
        "permissions.ObjectPermissionTable.object_permission_id", on_delete=OnDelete.set_null, null=True
    )


class OrganizationMembership(CompositeKeyRows, Table, tablename="LiteLLM_OrganizationMembership"):
    """A user's role, spend and budget within one organization."""

    user_id = foreign_key(
        "users.UserTable.user_id", on_delete=OnDelete.restrict, primary_key=True, required=True
    )
    organization_id = foreign_key(
        "organizations.OrganizationTable.organization_id",
        on_delete=OnDelete.restrict,
        primary_key=True,
        required=True,
    )
    user_role = Text(default=None, null=True)
    spend = Money(default=0.0, null=True)
    budget_id = foreign_key("budgets.BudgetTable.budget_id", on_delete=OnDelete.set_null, null=True)
    created_at = TimestampMillis(default=utc_now_millis, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis, null=True)


class ProjectTable(Table, tablename="LiteLLM_ProjectTable"):
    """A project between a team and its keys."""

    project_id = Text(default=new_id, primary_key=True)
    project_alias = Text(default=None, null=True)
    team_id = foreign_key("teams.TeamTable.team_id", on_delete=OnDelete.set_null, null=True)
    budget_id = foreign_key("budgets.BudgetTable.budget_id", on_delete=OnDelete.set_null, null=True)
    metadata = JSONB(default="{}")
    models = Array(Text(), default=list, null=True)
    spend = Money(default=0.0)
    model_spend = JSONB(default="{}")
    blocked = Boolean(default=False)
    object_permission_id = foreign_key(
        "permissions.ObjectPermissionTable.object_permission_id", on_delete=OnDelete.set_null, null=True
    )
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, required=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, required=True)
    description = Text(default=None, null=True)
    model_rpm_limit = JSONB(default="{}")
    model_tpm_limit = JSONB(default="{}")
