"""Changing many keys by one request, each by itself."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.domain import Principal
from gateway.errors import GatewayError, PermissionDenied
from gateway.identity.keys.request import ObjectPermission
from gateway.identity.keys.updates import KeyUpdates
from gateway.identity.keys.values import refuse

__all__ = ["BulkUpdateItem", "BulkUpdateRequest", "update_keys"]

_MOST_KEYS = 500


class BulkUpdateItem(msgspec.Struct, frozen=True, kw_only=True):
    """What changes of one key, named plain or by its hash; null clears, what is not sent stays."""

    key: str
    budget_id: str | msgspec.UnsetType | None = msgspec.UNSET
    max_budget: float | msgspec.UnsetType | None = msgspec.UNSET
    team_id: str | msgspec.UnsetType | None = msgspec.UNSET
    tags: list[str] | msgspec.UnsetType | None = msgspec.UNSET
    object_permission: ObjectPermission | msgspec.UnsetType | None = msgspec.UNSET

    @property
    def sent(self) -> Mapping[str, Any]:
        """The members that were sent, as `/key/update` has them."""
        members = msgspec.structs.asdict(self)
        return {name: value for name, value in members.items() if value is not msgspec.UNSET}


class BulkUpdateRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /key/bulk_update`: at most 500 keys."""

    keys: list[BulkUpdateItem]


async def update_keys(
    updates: KeyUpdates, caller: Principal, request: BulkUpdateRequest
) -> dict[str, object]:
    """Change each key in a transaction of its own; the answer says which could not be, and why.

    Raises PermissionDenied for who is no proxy admin, BadRequest for no keys or too many.
    """
    if not caller.is_admin:
        raise PermissionDenied("Only proxy admins can change many keys at once.")
    if not 0 < len(request.keys) <= _MOST_KEYS:
        raise refuse("keys", f"Name between 1 and {_MOST_KEYS} keys. Received: {len(request.keys)}")
    done: list[dict[str, object]] = []
    failed: list[dict[str, object]] = []
    for item in request.keys:
        try:
            row = await updates.update(caller, item.sent)
        except GatewayError as error:
            failed.append({"key": item.key, "key_info": None, "failed_reason": error.message})
        else:
            info = {name: value for name, value in row.items() if name not in ("key", "token")}
            done.append({"key": item.key, "key_info": info})
    return {
        "total_requested": len(request.keys),
        "successful_updates": done,
        "failed_updates": failed,
    }
