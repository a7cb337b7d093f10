"""Secrets in a team's metadata: encrypted where they are kept, masked where they are shown."""

from collections.abc import Callable, Mapping
from typing import Any, cast

from gateway.audit.masking import MASK, mask
from gateway.db.sealing import Seal

__all__ = ["TeamSecrets", "shown_metadata"]

_WITH_SECRETS = ("callback_settings", "logging", "secret_manager_settings")
"""Members of `metadata` that hold credentials of other services."""

Leaf = Callable[[str, Any], Any]


def shown_metadata(metadata: Mapping[str, Any] | None) -> dict[str, Any]:
    """The metadata as an answer shows it."""
    given = metadata or {}
    return {name: mask(value) if name in _WITH_SECRETS else value for name, value in given.items()}


class TeamSecrets:
    """Encrypts with the salt key; what was read masked may be sent back as it is."""

    def __init__(self, seal: Seal) -> None:
        self._seal = seal

    def restore(self, sent: Mapping[str, Any], stored: Mapping[str, Any] | None) -> dict[str, Any]:
        """A request in which every mask has become what is stored in its place."""
        kept, restored = stored or {}, dict(sent)
        if isinstance(sent.get("metadata"), Mapping):
            restored["metadata"] = _change(sent["metadata"], kept, _restored)
        for name in _WITH_SECRETS:
            if name in sent:
                restored[name] = _walk(sent[name], mask(sent[name]), kept.get(name), _restored)
        return restored

    def close(self, metadata: Mapping[str, Any], stored: Mapping[str, Any]) -> dict[str, Any]:
        """The metadata to store, in which every secret that is new is encrypted."""
        return _change(metadata, stored, self._closed)

    def _closed(self, given: str, stored: Any) -> str:
        return given if given == stored else self._seal.close(given)


def _restored(given: str, stored: Any) -> Any:
    return stored if given == MASK and isinstance(stored, str) else given


def _change(metadata: Mapping[str, Any], stored: Mapping[str, Any], leaf: Leaf) -> dict[str, Any]:
    return {
        name: _walk(value, mask(value), stored.get(name), leaf) if name in _WITH_SECRETS else value
        for name, value in metadata.items()
    }


def _walk(given: Any, masked: Any, stored: Any, leaf: Leaf) -> Any:
    """The value with `leaf` of every secret text in it, which are those that masking would change."""
    if isinstance(given, Mapping):
        members, hidden, kept = cast("Mapping[str, Any]", given), _object(masked), _object(stored)
        return {name: _walk(value, hidden.get(name), kept.get(name), leaf) for name, value in members.items()}
    if isinstance(given, list):
        items, hidden_items, kept_items = cast("list[Any]", given), _list(masked), _list(stored)
        return [
            _walk(value, _item(hidden_items, place), _item(kept_items, place), leaf)
            for place, value in enumerate(items)
        ]
    if isinstance(given, str) and (given == MASK or given != masked):
        return leaf(given, stored)
    return given


def _object(value: Any) -> Mapping[str, Any]:
    return cast("Mapping[str, Any]", value) if isinstance(value, Mapping) else {}  # JSON has text keys


def _list(value: Any) -> list[Any]:
    return cast("list[Any]", value) if isinstance(value, list) else []  # of unknown JSON values


def _item(items: list[Any], place: int) -> Any:
    return items[place] if place < len(items) else None
