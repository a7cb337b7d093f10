"""Internal users, customers and invitations."""

from piccolo.columns import JSONB, Array, BigInt, Boolean, Integer, OnDelete, Text
from piccolo.table import Table

from gateway.db.columns import Money, TimestampMillis, foreign_key, utc_now_millis
from gateway.ids import new_id

__all__ = ["EndUserTable", "InvitationLink", "UserNotifications", "UserTable"]


class UserTable(Table, tablename="LiteLLM_UserTable"):
    """An internal user with role, budget and limits."""

    user_id = Text(default=None, primary_key=True, required=True)
    user_alias = Text(default=None, null=True)
    team_id = Text(default=None, null=True)
    sso_user_id = Text(default=None, unique=True, null=True)
    organization_id = foreign_key(
        "organizations.OrganizationTable.organization_id", on_delete=OnDelete.set_null, null=True
    )
    password = Text(default=None, null=True)
    teams = Array(Text(), default=list, null=True)
    user_role = Text(default=None, null=True)
    max_budget = Money(default=None, null=True)
    spend = Money(default=0.0)
    user_email = Text(default=None, null=True)
    models = Array(Text(), default=list, null=True)
    metadata = JSONB(default="{}")
    max_parallel_requests = Integer(default=None, null=True)
    tpm_limit = BigInt(default=None, null=True)
    rpm_limit = BigInt(default=None, null=True)
    budget_duration = Text(default=None, null=True)
    budget_reset_at = TimestampMillis(default=None, null=True)
    allowed_cache_controls = Array(Text(), default=list, null=True)
    model_spend = JSONB(default="{}")
    model_max_budget = JSONB(default="{}")
    created_at = TimestampMillis(default=utc_now_millis, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis, null=True)
    object_permission_id = foreign_key(
        "permissions.ObjectPermissionTable.object_permission_id", on_delete=OnDelete.set_null, null=True
    )
    policies = Array(Text(), default=list, null=True)


class EndUserTable(Table, tablename="LiteLLM_EndUserTable"):
    """A customer, named by the `user` member of requests."""

    user_id = Text(default=None, primary_key=True, required=True)
    alias = Text(default=None, null=True)
    spend = Money(default=0.0)
    allowed_model_region = Text(default=None, null=True)
    default_model = Text(default=None, null=True)
    budget_id = foreign_key("budgets.BudgetTable.budget_id", on_delete=OnDelete.set_null, null=True)
    blocked = Boolean(default=False)
    object_permission_id = foreign_key(
        "permissions.ObjectPermissionTable.object_permission_id", on_delete=OnDelete.set_null, null=True
    )
    models = Array(Text(), default=list, null=True)


class InvitationLink(Table, tablename="LiteLLM_InvitationLink"):
    """An invitation for a user to claim an account."""

    id = Text(default=new_id, primary_key=True)
    user_id = foreign_key("users.UserTable.user_id", on_delete=OnDelete.restrict, required=True)
    is_accepted = Boolean(default=False)
    accepted_at = TimestampMillis(default=None, null=True)
    expires_at = TimestampMillis(default=None, required=True)
    created_at = TimestampMillis(default=None, required=True)
    created_by = foreign_key("users.UserTable.user_id", on_delete=OnDelete.restrict, required=True)
    updated_at = TimestampMillis(default=None, required=True)
    updated_by = foreign_key("users.UserTable.user_id", on_delete=OnDelete.restrict, required=True)


class UserNotifications(Table, tablename="LiteLLM_UserNotifications"):
    """A user's request for access to models, and its state."""

    request_id = Text(default=None, primary_key=True, required=True)
    user_id = Text(default=None, required=True)
    models = Array(Text(), default=list, null=True)
    justification = Text(default=None, required=True)
    status = Text(default=None, required=True)
