"""Encrypts the texts of a JSON value anew, however deep they stand."""

from typing import cast

import msgspec

from gateway.db.sealing import Seal, UnsealableError

__all__ = ["Census", "Resealing"]

_FORMATS = (("v2:gcm:", "v2"), ("v3:gcm:", "v3"))
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class Census(msgspec.Struct, kw_only=True):
    """How many texts there are of each kind; `unreadable` names those that cannot be decrypted."""

    box: int = 0
    v2: int = 0
    v3: int = 0
    plain: int = 0
    unreadable: list[str] = msgspec.field(default_factory=list[str])

    @property
    def encrypted(self) -> int:
        """The texts that were decrypted, in any format."""
        return self.box + self.v2 + self.v3


class Resealing:
    """Decrypts with one key and encrypts with another; counts what it meets in `census`."""

    def __init__(self, old: Seal, new: Seal) -> None:
        self.census = Census()
        self._old = old
        self._new = new

    def reseal_json(self, text: str, path: str) -> str:
        """The JSON with every encrypted text under the new key; what is not encrypted stays."""
        value = _decode(text)
        if isinstance(value, str):
            # Some releases stored the object as a text of JSON.
            try:
                return _encode(self.reseal_json(value, path)).decode()
            except msgspec.DecodeError:
                pass
        return _encode(self._walk(value, path)).decode()

    def reseal_text(self, text: str, path: str) -> str:
        """One text under the new key, as it is if it is not encrypted or cannot be decrypted."""
        try:
            opened = self._old.open(text)
        except UnsealableError:
            self.census.unreadable.append(path)
            return text
        if opened == text:
            self.census.plain += 1
            return text
        self._count(text)
        return self._new.close(opened)

    def _walk(self, value: object, path: str) -> object:
        if isinstance(value, str):
            return self.reseal_text(value, path)
        if isinstance(value, dict):
            members = cast("dict[str, object]", value)  # JSON objects have text keys
            return {name: self._walk(inner, f"{path}.{name}") for name, inner in members.items()}
        if isinstance(value, list):
            items = cast("list[object]", value)  # of JSON values
            return [self._walk(inner, f"{path}[{index}]") for index, inner in enumerate(items)]
        return value

    def _count(self, text: str) -> None:
        found = next((name for prefix, name in _FORMATS if text.startswith(prefix)), "box")
        setattr(self.census, found, getattr(self.census, found) + 1)
