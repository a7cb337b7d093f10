"""The columns of a key that an update changes."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gateway.db.rows import Columns
from gateway.identity.durations import add_duration
from gateway.identity.keys.record import METADATA_FIELDS
from gateway.identity.keys.values import NEVER, read_duration
from gateway.identity.metadata import merge_metadata
from gateway.identity.records import Records

__all__ = ["build_changes"]

_OWNERS = ("user_id", "team_id", "agent_id", "organization_id", "project_id", "budget_id")
_PLAIN_COLUMNS = (
    *("key_alias", "max_budget", "budget_duration", "max_parallel_requests", "tpm_limit", "rpm_limit"),
    *("tpd_limit", "rotation_interval", "models", "allowed_cache_controls", "access_group_ids"),
    *("policies", "allowed_routes", "aliases", "config", "permissions", "router_settings"),
    *("model_max_budget", "budget_fallbacks"),
)
_TEMPORARY = ("temp_budget_increase", "temp_budget_expiry")
_WITHOUT_NULL = ("blocked", "spend", "auto_rotate")


def build_changes(records: Records, sent: Mapping[str, Any], row: Mapping[str, Any]) -> Columns:
    """What changes in the row when these members were sent; null clears, an empty owner is none."""
    columns: Columns = {name: sent[name] for name in _PLAIN_COLUMNS if name in sent}
    columns |= {name: sent[name] or None for name in _OWNERS if name in sent}
    columns |= {name: sent[name] for name in _WITHOUT_NULL if sent.get(name) is not None}
    now = records.now()
    if sent.get("duration"):
        columns["expires"] = _expiry(sent["duration"], now)
    if "budget_duration" in sent:
        columns["budget_reset_at"] = records.reset_at(sent["budget_duration"])
    if "budget_limits" in sent:
        columns["budget_limits"] = records.open_windows(sent["budget_limits"], row.get("budget_limits"))
    if "auto_rotate" in columns or "rotation_interval" in columns:
        columns["key_rotation_at"] = _rotation({**row, **columns}, now)
    metadata = merge_metadata(row["metadata"] or {}, _storable(sent), (*METADATA_FIELDS, *_TEMPORARY))
    if metadata is not None:
        columns["metadata"] = metadata
    return columns


def _storable(sent: Mapping[str, Any]) -> Mapping[str, Any]:
    expiry: datetime | None = sent.get("temp_budget_expiry")
    return sent if expiry is None else {**sent, "temp_budget_expiry": expiry.isoformat()}


def _expiry(duration: str, now: datetime) -> datetime | None:
    lifetime = None if duration == NEVER else read_duration("duration", duration)
    return None if lifetime is None else add_duration(now, lifetime)


def _rotation(row: Mapping[str, Any], now: datetime) -> datetime | None:
    interval = read_duration("rotation_interval", row["rotation_interval"])
    return add_duration(now, interval) if interval is not None and row["auto_rotate"] else None
