"""The columns of a new key, from a request that has passed every check."""

from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.domain import Principal
from gateway.identity.credentials import abbreviate
from gateway.identity.durations import add_duration
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.keys.values import read_duration
from gateway.identity.reset_calendar import ResetCalendar
from gateway.ids import hash_token

__all__ = ["METADATA_FIELDS", "build_columns", "naive", "routes_of"]

METADATA_FIELDS = (
    *("guardrails", "prompts", "tags", "enforced_params", "model_rpm_limit", "model_tpm_limit"),
    *("mcp_rpm_limit", "tag_rpm_limit", "rpm_limit_type", "tpm_limit_type", "end_user_budget_id"),
    *("disable_global_guardrails", "enable_prompt_caching", "throttle_on_budget_exceeded"),
    *("allowed_passthrough_routes", "denied_passthrough_routes", "allowed_vector_store_indexes"),
    *("default_estimated_output_tokens", "default_estimated_output_tokens_per_model"),
)
"""Members of a request that have no column and are kept in `metadata`."""

_PLAIN_COLUMNS = (
    *("key_alias", "user_id", "team_id", "agent_id", "organization_id", "project_id", "max_budget"),
    *("budget_id", "budget_duration", "max_parallel_requests", "tpm_limit", "rpm_limit", "tpd_limit"),
    *("blocked", "rotation_interval"),
)
_LIST_COLUMNS = ("models", "allowed_cache_controls", "access_group_ids", "policies")
_JSON_COLUMNS = (
    *("aliases", "config", "permissions", "router_settings", "model_max_budget", "budget_fallbacks"),
)
_ROUTES_BY_TYPE = {
    "llm_api": ["llm_api_routes"],
    "management": ["management_routes"],
    "read_only": ["info_routes"],
}


def build_columns(
    request: GenerateKeyRequest, secret: str, actor: Principal, now: datetime, calendar: ResetCalendar
) -> dict[str, Any]:
    """The row of the key, by column; `now` is aware UTC. The secret is in it as its SHA-256 only."""
    columns: dict[str, Any] = {name: getattr(request, name) for name in _PLAIN_COLUMNS}
    columns |= {name: getattr(request, name) or [] for name in _LIST_COLUMNS}
    columns |= {name: _json(getattr(request, name) or {}) for name in _JSON_COLUMNS}
    lifetime = read_duration("duration", request.duration)
    rotation = read_duration("rotation_interval", request.rotation_interval)
    return columns | {
        "token": hash_token(secret),
        "key_name": abbreviate(secret),
        "key_type": request.key_type,
        "spend": request.spend or 0.0,
        "allowed_routes": routes_of(request),
        "metadata": _json(_metadata(request)),
        "budget_limits": _json(_windows(request, now, calendar)) if request.budget_limits else None,
        "expires": naive(add_duration(now, lifetime)) if lifetime else None,
        "budget_reset_at": _reset_at(request.budget_duration, now, calendar),
        "auto_rotate": bool(request.auto_rotate),
        "key_rotation_at": naive(add_duration(now, rotation)) if rotation and request.auto_rotate else None,
        "created_at": naive(now),
        "updated_at": naive(now),
        "created_by": actor.user_id,
        "updated_by": actor.user_id,
    }


def routes_of(request: GenerateKeyRequest) -> list[str]:
    """The routes that were asked for, else those that the key's type stands for; empty is every route."""
    return request.allowed_routes or _ROUTES_BY_TYPE.get(request.key_type or "default", [])


def naive(moment: datetime) -> datetime:
    """A time as the schema's TIMESTAMP(3) columns hold it: UTC without zone, to the millisecond."""
    utc = moment.astimezone(UTC).replace(tzinfo=None)
    return utc.replace(microsecond=utc.microsecond // 1000 * 1000)


def _metadata(request: GenerateKeyRequest) -> dict[str, object]:
    kept = {name: getattr(request, name) for name in METADATA_FIELDS if getattr(request, name) is not None}
    return {**(request.metadata or {}), **kept}


def _windows(request: GenerateKeyRequest, now: datetime, calendar: ResetCalendar) -> list[dict[str, object]]:
    """The budget windows, each with the time of its first reset."""
    return [
        {
            "budget_duration": entry.budget_duration,
            "max_budget": entry.max_budget,
            "reset_at": calendar.next_reset(now, entry.budget_duration).isoformat(),
        }
        for entry in request.budget_limits or ()
    ]


def _reset_at(budget_duration: str | None, now: datetime, calendar: ResetCalendar) -> datetime | None:
    return None if budget_duration is None else naive(calendar.next_reset(now, budget_duration))


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()
