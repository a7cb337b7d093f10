"""The shape of one known configuration key."""

from enum import StrEnum

import msgspec

__all__ = ["KnownKey", "Standing", "harmless", "no_effect", "refused", "supported", "supported_all"]


class Standing(StrEnum):
    """What the gateway does with a key."""

    SUPPORTED = "supported"
    """It acts on it."""
    NO_EFFECT = "accepted without effect"
    """It need not act on it; the note says why."""
    UNSUPPORTED = "not supported yet"
    """It does not act on it, and says so once."""
    REFUSED = "refused"
    """It would restrict access or spend and does not exist here yet, so the gateway does not start."""


class KnownKey(msgspec.Struct, frozen=True, kw_only=True):
    """One key of a section.

    `restricts` marks a supported key that narrows access or spend: a reference below it that cannot be
    resolved stops the start. `refused_values` limits a refusal to a list that holds one of these values, or
    a dotted Python name when `is_code_refused`; with other values the key is merely unsupported.
    """

    name: str
    standing: Standing
    note: str = ""
    restricts: bool = False
    refused_values: frozenset[str] = frozenset()
    is_code_refused: bool = False


def supported(name: str, note: str, *, restricts: bool = False) -> KnownKey:
    """A key that the gateway acts on."""
    return KnownKey(name=name, standing=Standing.SUPPORTED, note=note, restricts=restricts)


def supported_all(names: str, note: str) -> tuple[KnownKey, ...]:
    """Supported keys with one note, given as words in one text."""
    return tuple(supported(name, note) for name in names.split())


def no_effect(name: str, note: str) -> KnownKey:
    """A key that needs no action; `note` says why."""
    return KnownKey(name=name, standing=Standing.NO_EFFECT, note=note)


def refused(
    name: str, note: str = "", *, values: frozenset[str] = frozenset(), is_code_refused: bool = False
) -> KnownKey:
    """A restriction that the gateway cannot enforce yet."""
    return KnownKey(
        name=name,
        standing=Standing.REFUSED,
        note=note,
        refused_values=values,
        is_code_refused=is_code_refused,
    )


def harmless(names: str) -> tuple[KnownKey, ...]:
    """Unsupported keys that restrict nothing, given as words in one text."""
    return tuple(KnownKey(name=name, standing=Standing.UNSUPPORTED) for name in names.split())
