"""The bodies of the user routes, with the contract's names."""

from typing import Literal

import msgspec

from gateway.identity.keys.request import KeyMembers, ObjectPermission
from gateway.identity.values import BudgetLimitEntry

__all__ = [
    "KEY_ONLY_FIELDS",
    "BulkNewUsersRequest",
    "BulkUpdateUsersRequest",
    "DeleteUsersRequest",
    "NewUserRequest",
    "UpdateUserRequest",
    "UserTeam",
]

UserRole = Literal["proxy_admin", "proxy_admin_viewer", "internal_user", "internal_user_viewer"]


class UserTeam(msgspec.Struct, frozen=True, kw_only=True):
    """A team that a new user enters, and what the user may spend in it, in USD."""

    team_id: str
    max_budget_in_team: float | None = None
    user_role: Literal["admin", "user"] = "user"


class NewUserRequest(KeyMembers, frozen=True, kw_only=True):
    """`POST /user/new`; None is the same as leaving a member out.

    Limits are the user's; what only a key can have goes to the key that is made with the user.
    """

    user_email: str | None = None
    user_alias: str | None = None
    user_role: UserRole | None = None
    teams: list[str | UserTeam] | None = None
    organizations: list[str] | None = None
    auto_create_key: bool | None = None
    sso_user_id: str | None = None
    send_invite_email: bool | None = None
    """Makes an invitation and mails it."""
    password: object = None
    """Refused: a user chooses a password."""


class UpdateUserRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /user/update`: the user, by id or else by address. Only what is sent changes, null clears."""

    user_id: str | None = None
    user_email: str | None = None
    user_alias: str | None = None
    user_role: UserRole | None = None
    spend: float | None = None
    max_budget: float | None = None
    budget_duration: str | None = None
    models: list[str] | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    max_parallel_requests: int | None = None
    allowed_cache_controls: list[str] | None = None
    model_max_budget: dict[str, object] | None = None
    policies: list[str] | None = None
    metadata: dict[str, object] | None = None
    guardrails: list[str] | None = None
    prompts: list[str] | None = None
    model_rpm_limit: dict[str, int] | None = None
    model_tpm_limit: dict[str, int] | None = None
    mcp_rpm_limit: dict[str, int] | None = None
    tag_rpm_limit: dict[str, int] | None = None
    object_permission: ObjectPermission | None = None
    password: object = None
    """Refused: a user chooses a password."""
    # These say nothing about a user, in the contract neither: a value is refused (`key_matters.py`).
    aliases: dict[str, str] | None = None
    config: dict[str, object] | None = None
    permissions: dict[str, object] | None = None
    blocked: bool | None = None
    duration: str | None = None
    key_alias: str | None = None
    team_id: str | None = None
    agent_id: str | None = None
    budget_limits: list[BudgetLimitEntry] | None = None
    budget_fallbacks: dict[str, object] | None = None


class DeleteUsersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /user/delete`."""

    user_ids: list[str]


class BulkNewUsersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /management/v1/users/bulk`: each user as in `NewUserRequest`."""

    users: list[dict[str, msgspec.Raw]]


class BulkUpdateUsersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /user/bulk_update`: each user as in `UpdateUserRequest`, or one change for all."""

    users: list[dict[str, msgspec.Raw]] | None = None
    all_users: bool | None = None
    user_updates: dict[str, msgspec.Raw] | None = None


KEY_ONLY_FIELDS = (
    *("key", "key_alias", "team_id", "agent_id", "organization_id", "project_id", "aliases", "config"),
    *("duration", "permissions", "blocked", "budget_limits", "budget_fallbacks", "soft_budget", "budget_id"),
    *("tags", "allowed_routes", "access_group_ids", "auto_rotate", "rotation_interval", "tpd_limit"),
    *("router_settings", "enforced_params", "rpm_limit_type", "tpm_limit_type"),
    *("end_user_budget_id", "disable_global_guardrails"),
    *("enable_prompt_caching", "throttle_on_budget_exceeded", "allowed_passthrough_routes"),
    *("denied_passthrough_routes", "allowed_vector_store_indexes", "default_estimated_output_tokens"),
    *("default_estimated_output_tokens_per_model",),
)
"""Members of a new user that belong to its first key."""
