"""Texts of a request that no database can hold."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from gateway.errors import ValidationFailed
from gateway.wire.faults import NUL_REFUSED, fault_at

__all__ = ["check_is_storable"]

_NUL = "\0"


def check_is_storable(scope: Mapping[str, Any]) -> None:
    """Raise ValidationFailed when the path or the query of an ASGI scope has the character U+0000."""
    if _NUL in scope["path"]:
        raise _refuse("path")
    query: bytes = scope["query_string"]
    if b"%00" in query:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
        names = (name for name, value in pairs if _NUL in value or _NUL in name)
        raise _refuse("query", next(names, "").replace(_NUL, ""))


def _refuse(*loc: str) -> ValidationFailed:
    where = [part for part in loc if part]
    detail = [fault_at(where, NUL_REFUSED)]
    return ValidationFailed(f"{'.'.join(where)}: {NUL_REFUSED}", param=where[-1], details={"detail": detail})
