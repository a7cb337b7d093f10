"""The bodies of the team routes, with the contract's names."""

from typing import Literal

import msgspec

from gateway.identity.keys.request import ObjectPermission
from gateway.identity.values import BudgetLimitEntry

__all__ = [
    "AddMembersRequest",
    "BlockTeamRequest",
    "DeleteTeamsRequest",
    "Member",
    "NewTeamRequest",
    "PatchTeamRequest",
    "TeamMembers",
    "UpdateTeamRequest",
]

ThroughputType = Literal["guaranteed_throughput", "best_effort_throughput"]


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member to be, by id or by address, and what it will be in the team."""

    role: Literal["admin", "user"] = "user"
    user_id: str | None = None
    user_email: str | None = None


class TeamMembers(msgspec.Struct, frozen=True, kw_only=True):
    """What a team can have, made or updated. Money is USD, rates are per minute."""

    team_alias: str | None = None
    organization_id: str | None = None
    metadata: dict[str, object] | None = None
    tpm_limit: int | None = None
    rpm_limit: int | None = None
    tpd_limit: int | None = None
    max_parallel_requests: int | None = None
    max_budget: float | None = None
    soft_budget: float | None = None
    budget_duration: str | None = None
    budget_limits: list[BudgetLimitEntry] | None = None
    models: list[str] | None = None
    blocked: bool | None = None
    router_settings: dict[str, object] | None = None
    access_group_ids: list[str] | None = None
    default_team_member_models: list[str] | None = None
    model_aliases: dict[str, str] | None = None
    model_max_budget: dict[str, object] | None = None
    policies: list[str] | None = None
    object_permission: ObjectPermission | None = None
    team_member_budget: float | None = None
    team_member_budget_duration: str | None = None
    team_member_rpm_limit: int | None = None
    team_member_tpm_limit: int | None = None
    # These have no column: they are kept in `metadata`, where the checks of the request path look.
    tags: list[str] | None = None
    guardrails: list[str] | None = None
    prompts: list[str] | None = None
    team_member_key_duration: str | None = None
    allowed_passthrough_routes: list[str] | None = None
    denied_passthrough_routes: list[str] | None = None
    disable_global_guardrails: bool | None = None
    secret_manager_settings: dict[str, object] | None = None
    model_rpm_limit: dict[str, int] | None = None
    model_tpm_limit: dict[str, int] | None = None
    mcp_rpm_limit: dict[str, int] | None = None
    default_estimated_output_tokens: int | None = None
    default_estimated_output_tokens_per_model: dict[str, int] | None = None
    allowed_vector_store_indexes: list[dict[str, object]] | None = None
    enforced_batch_output_expires_after: dict[str, object] | None = None
    enforced_file_expires_after: dict[str, object] | None = None


class NewTeamRequest(TeamMembers, frozen=True, kw_only=True):
    """`POST /team/new`; None is the same as leaving a member out."""

    team_id: str | None = None
    admins: list[str] | None = None
    members: list[str] | None = None
    members_with_roles: list[Member] | None = None
    team_member_permissions: list[str] | None = None
    rpm_limit_type: ThroughputType | None = None
    tpm_limit_type: ThroughputType | None = None


class UpdateTeamRequest(TeamMembers, frozen=True, kw_only=True):
    """`POST /team/update`: only what is sent changes, null clears."""

    team_id: str


class PatchTeamRequest(TeamMembers, frozen=True, kw_only=True):
    """`PATCH /team/{team_id}`: only what is sent changes, null clears, `metadata` is merged."""

    team_id: str | None = None


class BlockTeamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /team/block` and `/team/unblock`."""

    team_id: str


class DeleteTeamsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /team/delete`."""

    team_ids: list[str]


class AddMembersRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /team/member_add`: one member or a list, and what each of them may spend in the team, in USD."""

    team_id: str
    member: Member | list[Member]
    max_budget_in_team: float | None = None
    budget_duration: str | None = None
    allowed_models: list[str] | None = None
