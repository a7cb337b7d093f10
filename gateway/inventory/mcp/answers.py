"""How MCP servers are shown: to administrators with secrets masked, to others without what is behind them."""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from gateway.audit.masking import MASK
from gateway.catalog.stored_mcp import OF_CREDENTIALS, OWN, OWN_MEMBERS, PINS, own_settings
from gateway.db.rows import Columns
from gateway.inventory.masking import mask_address
from gateway.inventory.mcp.variables import mask_variables
from gateway.settings.node import is_credential_path

__all__ = ["show_configured", "show_row", "show_to_others", "without_own"]

_SECRET = ("credentials", "env", "static_headers")
_ADDRESSES = (
    *("url", "spec_path", "authorization_url", "token_url", "registration_url", "issuer"),
    *("upstream_resource", "token_exchange_endpoint"),
)
_OPEN = frozenset(
    {
        *("server_id", "is_config", "server_name", "alias", "description", "transport", "auth_type"),
        *("mcp_info", "mcp_access_groups", "allowed_tools", "tool_name_to_display_name"),
        *("tool_name_to_description", "instructions", "allow_all_keys", "available_on_public_internet"),
        *("env_vars", "is_byok", "byok_description", "byok_api_key_help_url", "has_user_credential"),
        "status",
        *("created_at", "updated_at", "last_health_check", "source_url", "approval_status"),
    }
)
_EMPTY: Mapping[str, Any] = {
    **dict.fromkeys(_OPEN),
    **dict.fromkeys((*OWN_MEMBERS, "url", "spec_path", "command", "credentials")),
    **{name: {} for name in ("static_headers", "env")},
    **{name: [] for name in ("extra_headers", "args", "allowed_tools", "mcp_access_groups")},
    **dict.fromkeys(("authorization_url", "token_url", "registration_url", "created_by", "updated_by")),
    **dict.fromkeys(("delegate_auth_to_upstream", "oauth_passthrough", "is_byok", "allow_all_keys"), False),
    "available_on_public_internet": True,
    "approval_status": "active",
    "status": "unknown",
}
_COMMON: Mapping[str, Any] = {"teams": (), "has_user_credential": False}


def show_row(row: Columns) -> Columns:
    """A row with every secret masked; what is masked was encrypted or not."""
    info: Columns = row["mcp_info"] or {}
    own = {**dict.fromkeys(OWN_MEMBERS), **own_settings(info)}
    shown = {**row, **own, "mcp_info": without_own(info), "pinned_tools": info.get(PINS)}
    return _masked({**shown, **_COMMON, "is_config": False})


def without_own(info: Mapping[str, Any]) -> Columns:
    """What `mcp_info` says to others than the gateway."""
    return {name: value for name, value in info.items() if name not in (OWN, PINS)}


def show_configured(name: str, settings: Mapping[str, Any]) -> Columns:
    """A server of the configuration in the form of a row."""
    known = {key: value for key, value in settings.items() if key in _EMPTY}
    given = {key: value for key, value in settings.items() if key in OF_CREDENTIALS}
    return _masked(
        {
            **_EMPTY,
            "pinned_tools": settings.get("pinned_tools"),
            **known,
            "server_id": settings.get("server_id") or name,
            "server_name": name,
            "transport": settings.get("transport", "http"),
            "mcp_access_groups": settings.get("access_groups", []),
            "credentials": given or None,
            **_COMMON,
            "is_config": True,
        }
    )


def show_to_others(shown: Columns) -> Columns:
    """What everybody may know who may reach a server: nothing of where it is and what it is asked with."""
    return {name: value for name, value in shown.items() if name in _OPEN}


def _masked(shown: Columns) -> Columns:
    return {**shown, **dict(_mask_members(shown)), "env_vars": mask_variables(shown.get("env_vars"))}


def _mask_members(shown: Columns) -> Iterator[tuple[str, Any]]:
    for name in _SECRET:
        members: Mapping[str, object] | None = shown.get(name)
        if members is not None:
            yield name, {key: _mask(value) for key, value in members.items()}
    for name in _ADDRESSES:
        if isinstance(shown.get(name), str):
            yield name, mask_address(shown[name])
    # What looks like a secret among the arguments of a program is shown to nobody.
    arguments: list[str] = shown.get("args") or []
    yield "args", [_mask_argument(one) for one in arguments]


def _mask(value: object) -> object:
    """Every text masked."""
    if isinstance(value, str):
        return MASK if value else value
    return [_mask(inner) for inner in cast("list[object]", value)] if isinstance(value, list) else value


def _mask_argument(text: str) -> str:
    name, is_given, _ = text.partition("=")
    return f"{name}={MASK}" if is_given and is_credential_path(name.lstrip("-").replace("-", "_")) else text
