"""Callbacks that LiteLLM stored in the database: none of them runs here, and they can be taken away."""

from collections.abc import Mapping, Sequence
from typing import cast

from gateway.errors import NotFound

__all__ = ["CALLBACK_SECTION", "group_callbacks", "list_callbacks", "without_callback"]

CALLBACK_SECTION = "litellm_settings"
_LISTS = {
    "callbacks": "success_and_failure",
    "success_callback": "success",
    "failure_callback": "failure",
}


def list_callbacks(stored: Mapping[str, object]) -> list[dict[str, object]]:
    """The stored callbacks, with what each is told of; `is_active` says that none is told anything."""
    return [
        {"name": name, "variables": {}, "type": kind, "is_active": False}
        for member, kind in _LISTS.items()
        for name in _names(stored, member)
    ]


def group_callbacks(stored: Mapping[str, object]) -> dict[str, list[str]]:
    """The names of the stored callbacks by what each is told of, in the order of the names."""
    return {kind: sorted(set(_names(stored, member))) for member, kind in _LISTS.items()}


def without_callback(stored: Mapping[str, object], name: str) -> dict[str, object]:
    """The lists that had the callback, without it; null for one that is empty then.

    Raises NotFound where no list has it.
    """
    changed: dict[str, object] = {}
    for member in _LISTS:
        names = _names(stored, member)
        if name in names:
            changed[member] = [one for one in names if one != name] or None
    if not changed:
        message = f"The database has no callback '{name[:100]}'; those of the configuration are in its file."
        raise NotFound(message, param="callback_name")
    return changed


def _names(stored: Mapping[str, object], member: str) -> list[str]:
    value = stored.get(member)
    if isinstance(value, str):
        return [value]
    return [str(name) for name in cast("Sequence[object]", value)] if isinstance(value, list) else []
