"""The bodies of the routes of policies."""

from typing import Any

import msgspec

__all__ = [
    "AttachmentRequest",
    "NewPolicyRequest",
    "NewVersionRequest",
    "StatusRequest",
    "UpdatePolicyRequest",
]


class NewPolicyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /policies`."""

    policy_name: str
    inherit: str | None = None
    description: str | None = None
    guardrails_add: list[str] | None = None
    guardrails_remove: list[str] | None = None
    condition: dict[str, Any] | None = None
    pipeline: dict[str, Any] | None = None


class UpdatePolicyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /policies/{policy_id}`: what changes of a draft; null clears."""

    policy_name: str | None = None
    inherit: str | None = None
    description: str | None = None
    guardrails_add: list[str] | None = None
    guardrails_remove: list[str] | None = None
    condition: dict[str, Any] | None = None
    pipeline: dict[str, Any] | None = None


class NewVersionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /policies/name/{policy_name}/versions`: a copy of this version, or of production's."""

    source_policy_id: str | None = None


class StatusRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /policies/{policy_id}/status`: `published` or `production`."""

    version_status: str


class AttachmentRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /policies/attachments`, and what its impact would be."""

    policy_name: str
    scope: str | None = None
    teams: list[str] | None = None
    keys: list[str] | None = None
    models: list[str] | None = None
    tags: list[str] | None = None
    priority: int | None = None
    default: bool = False
