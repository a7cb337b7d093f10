"""Reads a price file in LiteLLM's format: one JSON object of models with their cost fields and limits."""

from collections.abc import Iterable
from pathlib import Path
from typing import Self

import msgspec

from gateway.catalog.cost_fields import CostFieldError, read_rates
from gateway.catalog.rates import Rates
from gateway.errors import ConfigError

__all__ = ["FileEntry", "PriceFile"]

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_fields = msgspec.json.Decoder(dict[str, object]).decode
_EXAMPLE = "sample_spec"


class FileEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What the file says of one model; limits are tokens."""

    rates: Rates
    provider: str | None = None
    mode: str | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    deprecation_date: str | None = None


class PriceFile:
    """The entries stay encoded until somebody asks for one: a full file has thousands."""

    def __init__(self, entries: dict[str, msgspec.Raw]) -> None:
        self._entries = entries

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read and check a file; raises ConfigError that names the file, the model and the field."""
        try:
            entries = _decode_members(path.read_bytes())
        except OSError as error:
            raise ConfigError(
                f"cannot be read: {error.strerror}.", path="gatewright.price_file", file=str(path)
            ) from None
        except msgspec.DecodeError as error:
            raise ConfigError(f"is no JSON object of models: {error}.", file=str(path)) from None
        entries.pop(_EXAMPLE, None)
        for name, raw in entries.items():
            _check(name, raw, path)
        return cls(entries)

    def __len__(self) -> int:
        """Return how many models the file names."""
        return len(self._entries)

    def find(self, names: Iterable[str]) -> FileEntry | None:
        """The entry with the first of these names that the file has."""
        for name in names:
            raw = self._entries.get(name)
            if raw is not None:
                return _read(_decode_fields(raw))
        return None


def _check(name: str, raw: msgspec.Raw, path: Path) -> None:
    try:
        _read(_decode_fields(raw))
    except CostFieldError as error:
        message = "must be a finite number of USD, at least 0."
        raise ConfigError(message, path=f"{name}.{error.field}", file=str(path)) from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"is no object of fields: {error}.", path=name, file=str(path)) from None


def _read(fields: dict[str, object]) -> FileEntry:
    return FileEntry(
        rates=read_rates(fields),
        provider=_text(fields.get("litellm_provider")),
        mode=_text(fields.get("mode")),
        max_input_tokens=_tokens(fields.get("max_input_tokens")),
        max_output_tokens=_tokens(fields.get("max_output_tokens")) or _tokens(fields.get("max_tokens")),
        deprecation_date=_text(fields.get("deprecation_date")),
    )


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None


def _tokens(value: object) -> int | None:
    """A limit; the files in circulation have numbers, numbers as strings, and prose."""
    if isinstance(value, str) and value.isascii() and value.isdigit():
        return int(value)
    if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
        return int(value)
    return None
