"""The key that is made with a user."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.domain import Principal
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.users.record import METADATA_FIELDS
from gateway.identity.users.request import KEY_ONLY_FIELDS, NewUserRequest

__all__ = ["NO_KEY", "build_key_request", "show_key"]

NO_KEY: Mapping[str, object] = MappingProxyType({"key": "", "token": None, "key_name": None, "expires": None})
"""The answer of a user who was made without a key."""

_OF_THE_USER = (
    *("user_id", "user_email", "user_alias", "user_role", "max_budget", "spend", "models", "tpm_limit"),
    *("rpm_limit", "max_parallel_requests", "budget_duration", "allowed_cache_controls", "metadata", "teams"),
    *("model_max_budget", "policies", "created_at", "updated_at", "sso_user_id"),
)


def build_key_request(
    caller: Principal, user_id: str, request: NewUserRequest, sent: Mapping[str, Any]
) -> GenerateKeyRequest:
    """What of a user's request is about its key.

    A key that an organization's administrator makes belongs to the organization, whose budget limits it.
    """
    members = {name: sent[name] for name in KEY_ONLY_FIELDS if name in sent}
    if not caller.is_admin and request.organizations:
        members["organization_id"] = request.organizations[0]
    return GenerateKeyRequest(**members, user_id=user_id)


def show_key(request: NewUserRequest, made: Mapping[str, Any], user: Mapping[str, Any]) -> dict[str, Any]:
    """The answer to `/user/new`: the key, with the limits of its user."""
    given = msgspec.structs.asdict(request)
    for name in ("password", "send_invite_email"):
        given.pop(name)
    metadata: Mapping[str, object] = user["metadata"] or {}
    kept = {name: metadata.get(name) for name in METADATA_FIELDS}
    of_the_user = {name: user[name] for name in _OF_THE_USER}
    return {**given, **made, **of_the_user, **kept, "object_permission": _permission_of(request)}


def _permission_of(request: NewUserRequest) -> dict[str, object] | None:
    if request.object_permission is None:
        return None
    given = msgspec.structs.asdict(request.object_permission)
    return {name: value for name, value in given.items() if value is not None}
