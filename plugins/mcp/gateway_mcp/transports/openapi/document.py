"""An OpenAPI document with its references followed."""

from typing import Any, cast

import msgspec

from gateway.errors import UpstreamGarbled
from gateway_mcp.wire import Object

__all__ = ["Document", "read_document"]

_MOST_VALUES = 200_000
_MOST_DEPTH = 60
_NOTHING: Object = {}


def read_document(data: bytes) -> "Document":
    """Read a document in JSON or YAML. Raises UpstreamGarbled for one that is neither, or no OpenAPI 3."""
    try:
        root: object = _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise UpstreamGarbled("The OpenAPI document is neither JSON nor YAML.") from None
    if not isinstance(root, dict) or not str(cast("Object", root).get("openapi", "")).startswith("3."):
        raise UpstreamGarbled("The document is no OpenAPI document of version 3.")
    return Document(cast("Object", root))


def _decode(data: bytes) -> object:
    if data.lstrip()[:1] == b"{":
        return msgspec.json.decode(data)
    return msgspec.yaml.decode(data, type=Any)


class Document:
    """Follows references within the document; others, and those that lead in circles, become `{}`.

    Raises UpstreamGarbled when that comes to more values than any real document has.
    """

    def __init__(self, root: Object) -> None:
        self.root = root
        self._left = _MOST_VALUES

    def read_object(self, value: object) -> Object:
        """An object, with a reference in its place followed; what is none is empty."""
        found = self._follow(value, frozenset())[0]
        return cast("Object", found) if isinstance(found, dict) else {}

    def read_objects(self, value: object) -> list[Object]:
        """The objects of an array."""
        items = cast("list[object]", value) if isinstance(value, list) else []
        return [found for item in items if (found := self.read_object(item))]

    def read_schema(self, value: object) -> Object:
        """A schema that stands alone."""
        found = self._expand(value, frozenset(), 0)
        return cast("Object", found) if isinstance(found, dict) else {}

    def _expand(self, value: object, open_references: frozenset[str], depth: int) -> object:
        self._left -= 1
        if self._left < 0:
            raise UpstreamGarbled("The OpenAPI document is larger than any that is read.")
        if depth > _MOST_DEPTH:
            return {}
        value, open_references = self._follow(value, open_references)
        if isinstance(value, dict):
            members = cast("dict[object, object]", value).items()
            return {str(name): self._expand(item, open_references, depth + 1) for name, item in members}
        if isinstance(value, list):
            return [self._expand(item, open_references, depth + 1) for item in cast("list[object]", value)]
        return value

    def _follow(self, value: object, open_references: frozenset[str]) -> tuple[object, frozenset[str]]:
        while (reference := _reference_of(value)) is not None:
            if reference in open_references:
                return _NOTHING, open_references
            open_references |= {reference}
            value = self._find(reference)
        return value, open_references

    def _find(self, reference: str) -> object:
        """What a JSON pointer (RFC 6901) leads to."""
        found: object = self.root
        if not reference.startswith("#/"):
            return _NOTHING
        for part in reference[2:].split("/"):
            name = part.replace("~1", "/").replace("~0", "~")
            found = _member(found, name)
        return _NOTHING if found is None else found


def _member(value: object, name: str) -> object:
    return cast("Object", value).get(name) if isinstance(value, dict) else None


def _reference_of(value: object) -> str | None:
    reference = _member(value, "$ref")
    return reference if isinstance(reference, str) else None
