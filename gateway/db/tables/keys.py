"""Virtual keys: live, rotated, deleted, and those that a JWT stands for."""

from piccolo.columns import JSONB, Array, BigInt, Boolean, Integer, OnDelete, Text
from piccolo.table import Table

from gateway.db.columns import Money, TimestampMillis, foreign_key, utc_now_millis
from gateway.ids import new_id

__all__ = ["DeletedVerificationToken", "DeprecatedVerificationToken", "JWTKeyMapping", "VerificationToken"]


class VerificationToken(Table, tablename="LiteLLM_VerificationToken"):
    """A virtual key: `token` is the SHA-256 of the secret in hex."""

    token = Text(default=None, primary_key=True, required=True)
    key_name = Text(default=None, null=True)
    key_alias = Text(default=None, null=True)
    soft_budget_cooldown = Boolean(default=False)
    spend = Money(default=0.0)
    expires = TimestampMillis(default=None, null=True)
    models = Array(Text(), default=list, null=True)
    aliases = JSONB(default="{}")
    config = JSONB(default="{}")
    user_id = Text(default=None, null=True)
    team_id = Text(default=None, index=True, null=True)
    permissions = JSONB(default="{}")
    max_parallel_requests = Integer(default=None, null=True)
    metadata = JSONB(default="{}")
    blocked = Boolean(default=None, null=True)
    tpm_limit = BigInt(default=None, null=True)
    rpm_limit = BigInt(default=None, null=True)
    max_budget = Money(default=None, null=True)
    budget_duration = Text(default=None, null=True)
    budget_reset_at = TimestampMillis(default=None, null=True)
    allowed_cache_controls = Array(Text(), default=list, null=True)
    model_spend = JSONB(default="{}")
    model_max_budget = JSONB(default="{}")
    budget_id = foreign_key("budgets.BudgetTable.budget_id", on_delete=OnDelete.set_null, null=True)
    organization_id = foreign_key(
        "organizations.OrganizationTable.organization_id", on_delete=OnDelete.set_null, null=True
    )
    created_at = TimestampMillis(default=utc_now_millis, null=True)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis, null=True)
    updated_by = Text(default=None, null=True)
    allowed_routes = Array(Text(), default=list, null=True)
    object_permission_id = foreign_key(
        "permissions.ObjectPermissionTable.object_permission_id", on_delete=OnDelete.set_null, null=True
    )
    auto_rotate = Boolean(default=False, null=True)
    key_rotation_at = TimestampMillis(default=None, null=True)
    last_rotation_at = TimestampMillis(default=None, null=True)
    rotation_count = Integer(default=0, null=True)
    rotation_interval = Text(default=None, null=True)
    project_id = foreign_key("organizations.ProjectTable.project_id", on_delete=OnDelete.set_null, null=True)
    router_settings = JSONB(default="{}", null=True)
    policies = Array(Text(), default=list, null=True)
    access_group_ids = Array(Text(), default=list, null=True)
    last_active = TimestampMillis(default=None, null=True)
    agent_id = Text(default=None, null=True)
    budget_limits = JSONB(default=None, null=True)
    budget_fallbacks = JSONB(default="{}")
    key_type = Text(default=None, null=True)
    settings_updated_at = TimestampMillis(default=None, null=True)
    tpd_limit = BigInt(default=None, null=True)
    total_spend = Money(default=0.0)


class DeletedVerificationToken(Table, tablename="LiteLLM_DeletedVerificationToken"):
    """The last state of a deleted key, with who deleted it."""

    id = Text(default=new_id, primary_key=True)
    token = Text(default=None, required=True, index=True)
    key_name = Text(default=None, null=True)
    key_alias = Text(default=None, index=True, null=True)
    soft_budget_cooldown = Boolean(default=False)
    spend = Money(default=0.0)
    expires = TimestampMillis(default=None, null=True)
    models = Array(Text(), default=list, null=True)
    aliases = JSONB(default="{}")
    config = JSONB(default="{}")
    user_id = Text(default=None, index=True, null=True)
    team_id = Text(default=None, index=True, null=True)
    permissions = JSONB(default="{}")
    max_parallel_requests = Integer(default=None, null=True)
    metadata = JSONB(default="{}")
    blocked = Boolean(default=None, null=True)
    tpm_limit = BigInt(default=None, null=True)
    rpm_limit = BigInt(default=None, null=True)
    max_budget = Money(default=None, null=True)
    budget_duration = Text(default=None, null=True)
    budget_reset_at = TimestampMillis(default=None, null=True)
    allowed_cache_controls = Array(Text(), default=list, null=True)
    allowed_routes = Array(Text(), default=list, null=True)
    model_spend = JSONB(default="{}")
    model_max_budget = JSONB(default="{}")
    budget_id = Text(default=None, null=True)
    organization_id = Text(default=None, index=True, null=True)
    object_permission_id = Text(default=None, null=True)
    created_at = TimestampMillis(default=None, index=True, null=True)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=None, null=True)
    updated_by = Text(default=None, null=True)
    rotation_count = Integer(default=0, null=True)
    auto_rotate = Boolean(default=False, null=True)
    rotation_interval = Text(default=None, null=True)
    last_rotation_at = TimestampMillis(default=None, null=True)
    key_rotation_at = TimestampMillis(default=None, null=True)
    deleted_at = TimestampMillis(default=utc_now_millis, index=True)
    deleted_by = Text(default=None, null=True)
    deleted_by_api_key = Text(default=None, null=True)
    litellm_changed_by = Text(default=None, null=True)
    router_settings = JSONB(default="{}", null=True)
    policies = Array(Text(), default=list, null=True)
    access_group_ids = Array(Text(), default=list, null=True)
    last_active = TimestampMillis(default=None, null=True)
    project_id = Text(default=None, null=True)
    agent_id = Text(default=None, null=True)
    budget_fallbacks = JSONB(default="{}")
    key_type = Text(default=None, null=True)
    settings_updated_at = TimestampMillis(default=None, null=True)
    tpd_limit = BigInt(default=None, null=True)
    total_spend = Money(default=0.0)


class DeprecatedVerificationToken(Table, tablename="LiteLLM_DeprecatedVerificationToken"):
    """The old secret of a rotated key, good until `revoke_at`."""

    id = Text(default=new_id, primary_key=True)
    token = Text(default=None, required=True, unique=True)
    active_token_id = Text(default=None, required=True)
    revoke_at = TimestampMillis(default=None, required=True, index=True)
    created_at = TimestampMillis(default=utc_now_millis)


class JWTKeyMapping(Table, tablename="LiteLLM_JWTKeyMapping"):
    """A verified JWT claim that stands for a virtual key; an empty `jwt_issuer` means any issuer."""

    id = Text(default=new_id, primary_key=True)
    jwt_claim_name = Text(default=None, required=True)
    jwt_claim_value = Text(default=None, required=True)
    token = foreign_key("keys.VerificationToken.token", on_delete=OnDelete.restrict, required=True)
    description = Text(default=None, null=True)
    is_active = Boolean(default=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)
    jwt_issuer = Text(default="")
