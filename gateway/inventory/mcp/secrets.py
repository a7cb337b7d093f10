"""The secrets of MCP servers: how they are stored, shown again, and kept where masks are sent back."""

from collections.abc import Mapping
from typing import Any, cast

import msgspec

from gateway.audit.masking import MASK
from gateway.catalog.stored_mcp import PLAIN, SEALED, SEALED_WHOLE, open_deep, open_whole
from gateway.db.rows import Columns
from gateway.db.sealing import Seal, UnsealableError

__all__ = ["close_secrets", "merge_secrets", "open_secrets", "split_secrets"]


def close_secrets(columns: Columns, seal: Seal) -> Columns:
    """The columns as they are stored, and as LiteLLM reads them."""
    return {
        name: _close_column(name, value, seal) if name in SEALED else value for name, value in columns.items()
    }


def split_secrets(row: Columns, seal: Seal) -> Columns:
    """The row with the texts of its secrets encrypted one by one, however they are stored.

    What can be decrypted no more has no members.
    """
    return {**row, **{name: _split(row[name], seal) for name in SEALED_WHOLE if name in row}}


def open_secrets(row: Columns, seal: Seal) -> Columns:
    """The row decrypted; what can be decrypted no more is left out, and has to be sent again."""
    opened = dict(row)
    for name in SEALED:
        found: dict[str, Any] = {}
        for key, value in cast("Mapping[str, Any]", row[name] or {}).items():
            try:
                found[key] = open_deep(value, seal)
            except UnsealableError:
                continue
        opened[name] = found
    return opened


def merge_secrets(stored: Mapping[str, Any], sent: Mapping[str, Any]) -> Columns:
    """What was sent, with the stored texts where masked ones were sent back.

    Members of `credentials` that were not sent stay as well; null takes one away.
    """
    merged = dict(sent)
    for name in SEALED:
        if sent.get(name) is None:
            continue
        held: Mapping[str, Any] = stored.get(name) or {}
        given: Mapping[str, Any] = sent[name]
        values = {key: held[key] if value == MASK and key in held else value for key, value in given.items()}
        kept = {**held, **values} if name == "credentials" else values
        merged[name] = {key: value for key, value in kept.items() if value is not None}
    return merged


def _split(value: object, seal: Seal) -> object:
    if not isinstance(value, str):
        return value
    try:
        return _close(open_whole(value, seal), seal)
    except (UnsealableError, msgspec.DecodeError):
        return {}


def _close_column(name: str, value: object, seal: Seal) -> object:
    if not value:
        return value
    if name in SEALED_WHOLE:
        return seal.close(msgspec.json.encode(value).decode())
    members = cast("Mapping[str, object]", value)  # of a JSON object
    return {key: inner if key in PLAIN else _close(inner, seal) for key, inner in members.items()}


def _close(value: object, seal: Seal) -> object:
    if isinstance(value, str):
        return seal.close(value)
    if isinstance(value, dict):
        members = cast("Mapping[str, object]", value)  # of a JSON object
        return {name: _close(inner, seal) for name, inner in members.items()}
    if isinstance(value, list):
        return [_close(inner, seal) for inner in cast("list[object]", value)]
    return value
