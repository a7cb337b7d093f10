"""The bodies of the key routes, with the contract's names."""

from datetime import datetime
from typing import Literal

import msgspec

from gateway.identity.values import BudgetLimitEntry

__all__ = [
    "BlockKeyRequest",
    "BudgetLimitEntry",
    "DeleteKeysRequest",
    "GenerateKeyRequest",
    "KeyMembers",
    "KeyType",
    "ObjectPermission",
    "RegenerateKeyRequest",
    "UpdateKeyRequest",
]

KeyType = Literal["default", "llm_api", "management", "read_only"]
ThroughputType = Literal["guaranteed_throughput", "best_effort_throughput", "dynamic"]


class ObjectPermission(msgspec.Struct, frozen=True, kw_only=True):
    """What a key may reach beside models."""

    mcp_servers: list[str] | None = None
    mcp_access_groups: list[str] | None = None
    mcp_tool_permissions: dict[str, list[str]] | None = None
    mcp_toolsets: list[str] | None = None
    vector_stores: list[str] | None = None
    agents: list[str] | None = None
    agent_access_groups: list[str] | None = None
    models: list[str] | None = None
    blocked_tools: list[str] | None = None
    search_tools: list[str] | None = None
    skills: list[str] | None = None


class KeyMembers(msgspec.Struct, frozen=True, kw_only=True):
    """What a key can have, made or updated. Money is USD, rates are per minute."""

    key: str | None = None
    key_alias: str | None = None
    duration: str | None = None
    models: list[str] | None = None
    aliases: dict[str, str] | None = None
    user_id: str | None = None
    team_id: str | None = None
    agent_id: str | None = None
    organization_id: str | None = None
    project_id: str | None = None
    spend: float | None = None
    max_budget: float | None = None
    soft_budget: float | None = None
    budget_id: str | None = None
    budget_duration: str | None = None
    budget_limits: list[BudgetLimitEntry] | None = None
    budget_fallbacks: dict[str, object] | None = None
    model_max_budget: dict[str, object] | None = None
    max_parallel_requests: int | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    tpd_limit: int | None = None
    blocked: bool | None = None
    metadata: dict[str, object] | None = None
    config: dict[str, object] | None = None
    permissions: dict[str, object] | None = None
    router_settings: dict[str, object] | None = None
    object_permission: ObjectPermission | None = None
    allowed_cache_controls: list[str] | None = None
    allowed_routes: list[str] | None = None
    access_group_ids: list[str] | None = None
    policies: list[str] | None = None
    auto_rotate: bool | None = None
    rotation_interval: str | None = None
    # These have no column: they are kept in `metadata`, where the checks of the request path look.
    guardrails: list[str] | None = None
    prompts: list[str] | None = None
    tags: list[str] | None = None
    enforced_params: list[str] | None = None
    model_rpm_limit: dict[str, int] | None = None
    model_tpm_limit: dict[str, int] | None = None
    mcp_rpm_limit: dict[str, int] | None = None
    tag_rpm_limit: dict[str, int] | None = None
    rpm_limit_type: ThroughputType | None = None
    tpm_limit_type: ThroughputType | None = None
    end_user_budget_id: str | None = None
    disable_global_guardrails: bool | None = None
    enable_prompt_caching: bool | None = None
    throttle_on_budget_exceeded: bool | None = None
    allowed_passthrough_routes: list[str] | None = None
    denied_passthrough_routes: list[str] | None = None
    allowed_vector_store_indexes: list[dict[str, object]] | None = None
    default_estimated_output_tokens: int | None = None
    default_estimated_output_tokens_per_model: dict[str, int] | None = None


class GenerateKeyRequest(KeyMembers, frozen=True, kw_only=True):
    """`POST /key/generate`; None is the same as leaving a member out.

    `send_invite_email` mails the key to its user.
    """

    key_type: KeyType | None = None
    send_invite_email: bool | None = None


class UpdateKeyRequest(KeyMembers, frozen=True, kw_only=True):
    """`POST /key/update`: the key, plain or hashed, or its alias. Only what is sent changes, null clears.

    `duration` -1 means that the key does not expire; null leaves its expiry as it is.
    """

    temp_budget_increase: float | None = None
    temp_budget_expiry: datetime | None = None


class RegenerateKeyRequest(UpdateKeyRequest, frozen=True, kw_only=True):
    """`POST /key/regenerate`: what changes beside the secret, as in an update.

    `grace_period` is how long the old secret stays good; without it, it is refused at once.
    `new_master_key` is for the master key, which changes itself.
    """

    new_key: str | None = None
    new_master_key: str | None = None
    grace_period: str | None = None
    key_type: KeyType | None = None
    send_invite_email: bool | None = None


class DeleteKeysRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /key/delete`: keys (plain or hashed), or their aliases."""

    keys: list[str] | None = None
    key_aliases: list[str] | None = None


class BlockKeyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /key/block` and `/key/unblock`: the key, plain or hashed."""

    key: str
