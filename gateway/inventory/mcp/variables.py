"""Variables of MCP servers: the values that are everybody's are secrets, and kept as `env`."""

from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

from gateway.audit.masking import MASK
from gateway.catalog.stored_mcp import own_settings
from gateway.inventory.mcp.request import McpVariable

__all__ = ["list_of_users", "mask_variables", "move_values"]

_GLOBAL, _USER = "global", "user"
_NAME = "env_vars"


def move_values(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
    """What was sent, with values of variables in `env`, which is encrypted, and not beside their names.

    One that is not sent, or masked, stays as it is.
    """
    if _NAME not in sent:
        return dict(sent)
    variables: Sequence[McpVariable] = sent[_NAME] or ()
    own = own_settings(stored.get("mcp_info") or {})
    former = {one["name"] for one in cast("Sequence[Mapping[str, Any]]", own.get(_NAME) or ())}
    held: Mapping[str, str] = stored.get("env") or {}
    values = {
        one.name: MASK if one.value is None else one.value
        for one in variables
        if _is_global(one) and (one.value is not None or one.name in held)
    }
    named = [
        msgspec.structs.replace(one, scope=_GLOBAL if _is_global(one) else _USER, value=None)
        for one in variables
    ]
    moved = {**sent, _NAME: named}
    if not values and former.isdisjoint(held):
        return moved
    others = sent.get("env") or {name: MASK for name in held if name not in former}
    return {**moved, "env": {**others, **values}}


def mask_variables(listed: object) -> list[dict[str, Any]] | None:
    """Variables as they are shown: whose value it is, and never which."""
    if not isinstance(listed, list):
        return None
    return [
        {
            **{name: one.get(name) for name in ("name", "description")},
            "scope": _GLOBAL if _says_global(one) else _USER,
            "value": MASK if _says_global(one) else None,
        }
        for one in cast("list[Mapping[str, Any]]", listed)
    ]


def list_of_users(server: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The variables of a server whose values users give."""
    listed: Sequence[Mapping[str, Any]] = server[_NAME] or ()
    return [one for one in listed if not _says_global(one)]


def _is_global(one: McpVariable) -> bool:
    return one.scope == _GLOBAL or (one.scope is None and one.value is not None)


def _says_global(one: Mapping[str, Any]) -> bool:
    return one.get("scope") == _GLOBAL or (one.get("scope") is None and one.get("value") is not None)
