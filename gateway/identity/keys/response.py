"""What the key routes answer."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.errors import NotFound
from gateway.identity.keys.record import METADATA_FIELDS
from gateway.identity.keys.request import GenerateKeyRequest

__all__ = ["build_generated", "build_info", "not_found", "status_of"]


def build_generated(
    request: GenerateKeyRequest, row: Mapping[str, Any], secret: str, budget: Mapping[str, Any] | None
) -> dict[str, object]:
    """The answer to `/key/generate`: every member of the request as it was stored, and the secret, once."""
    answer: dict[str, object] = dict(msgspec.structs.asdict(request))
    answer.pop("send_invite_email")
    answer |= {name: _shown(value) for name, value in row.items() if name in answer}
    metadata: Mapping[str, object] = row["metadata"] or {}
    answer |= {name: metadata.get(name) for name in METADATA_FIELDS}
    if request.object_permission is not None:
        answer["object_permission"] = {
            name: value
            for name, value in msgspec.structs.asdict(request.object_permission).items()
            if value is not None
        }
    return answer | {
        "key": secret,
        "token": row["token"],
        "token_id": row["token"],
        "key_name": row["key_name"],
        "key_type": row["key_type"] or "default",
        "expires": _shown(row["expires"]),
        "litellm_budget_table": None if budget is None else _all_shown(budget),
        "created_by": row["created_by"],
        "updated_by": row["updated_by"],
        "created_at": _shown(row["created_at"]),
        "updated_at": _shown(row["updated_at"]),
    }


def build_info(
    row: Mapping[str, Any],
    status: str,
    budget: Mapping[str, Any] | None,
    permission: Mapping[str, Any] | None,
) -> dict[str, object]:
    """The member `info` of `/key/info`: the row without its token; the organization under both its names."""
    info = {name: _shown(value) for name, value in row.items() if name != "token"}
    info |= {"org_id": row["organization_id"], "status": status}
    info |= {"litellm_budget_table": None if budget is None else _all_shown(budget)}
    if permission is not None:
        info["object_permission"] = _all_shown(permission)
    elif not row["object_permission_id"]:
        info["object_permission"] = None
    return info


def status_of(row: Mapping[str, Any], now: datetime) -> str:
    """`revoked` (blocked), `expired` or `active`; `now` is naive UTC."""
    if row["blocked"]:
        return "revoked"
    expires: datetime | None = row["expires"]
    return "expired" if expires is not None and expires <= now else "active"


def not_found() -> NotFound:
    """The error for a key that is not there."""
    return NotFound("No keys found. The key does not exist in the database.", param="key")


def _all_shown(row: Mapping[str, Any]) -> dict[str, object]:
    return {name: _shown(value) for name, value in row.items()}


def _shown(value: Any) -> object:
    """Times of the schema are UTC: said so, clients need not guess."""
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
