"""Arguments of tools that headers repeat, where their schemas have the mark `x-mcp-header`.

Source: https://modelcontextprotocol.io/specification/2026-07-28 (transports, custom headers).
"""

import re
from collections.abc import Iterator, Mapping
from typing import cast

from gateway_mcp.header_texts import read_header, write_header
from gateway_mcp.wire import Object

__all__ = ["ARGUMENT", "find_mismatch", "is_sound", "repeat_arguments"]

ARGUMENT = "mcp-param-"
"""With this the header begins that repeats an argument of a tool."""
_MARK = "x-mcp-header"
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_KINDS = frozenset({"boolean", "integer", "string"})
_WHOLE = re.compile(r"(-?[0-9]{1,400})(?:\.0{1,400})?")
_DATA = frozenset({"const", "default", "enum", "examples"})
"""Members of a schema that hold values and no schemas."""
_Path = tuple[str, ...]


def is_sound(schema: object) -> bool:
    """Whether all marks of a tool's schema are as they may be; clients leave out tools with others.

    A mark is the name of a header that no other has, on a plain argument which objects alone lead to.
    """
    names: set[str] = set()
    for path, marked in _find_marked(schema):
        name = marked[_MARK]
        if not path or not isinstance(name, str) or not _NAME.fullmatch(name) or name.lower() in names:
            return False
        kind = marked.get("type")
        if not isinstance(kind, str) or kind not in _KINDS:
            return False
        names.add(name.lower())
    return True


def repeat_arguments(schema: object, arguments: Mapping[str, object]) -> dict[str, str]:
    """The headers for a call with `arguments` of a tool whose schema is sound."""
    headers: dict[str, str] = {}
    for path, marked in _find_marked(schema):
        text = _write(_find(arguments, path or ()))
        if text is not None:
            headers[_name_header(marked)] = write_header(text)
    return headers


def find_mismatch(schema: object, arguments: Mapping[str, object], headers: Mapping[str, str]) -> str | None:
    """The first header that says something else than the arguments of a call; None where all agree.

    Of an argument that is there its header is, and of no other; null is none. Headers that no mark names say
    nothing, as all do where the schema is not sound.
    """
    if not is_sound(schema):
        return None
    for path, marked in _find_marked(schema):
        name = _name_header(marked)
        if not _agrees(headers.get(name), _find(arguments, path or ()), marked["type"]):
            return name
    return None


def _name_header(marked: Object) -> str:
    return f"{ARGUMENT}{str(marked[_MARK]).lower()}"


def _agrees(header: str | None, value: object, kind: object) -> bool:
    text = _write(value)
    if header is None or text is None:
        return header is None and text is None
    said = read_header(header)
    return said == text or (said is not None and kind == "integer" and _is_same_number(said, value))


def _is_same_number(said: str, value: object) -> bool:
    """Whether an integer was only written otherwise, like 42.0."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    found = _WHOLE.fullmatch(said)
    is_whole = isinstance(value, int) or value.is_integer()
    return found is not None and is_whole and int(found[1]) == int(value)


def _find_marked(schema: object) -> Iterator[tuple[_Path | None, Object]]:
    """Each marked place of a schema with the way to it; None where more than objects lead there."""
    left: list[tuple[_Path | None, object]] = [((), schema)]
    while left:
        path, one = left.pop()
        if isinstance(one, list):
            left += [(None, item) for item in cast("list[object]", one)]
        if not isinstance(one, dict):
            continue
        members = cast("Object", one)
        if _MARK in members:
            yield path, members
        for name, value in members.items():
            if name == "properties" and isinstance(value, dict):
                below = cast("Object", value).items()
                left += [(None if path is None else (*path, key), sub) for key, sub in below]
            elif name not in _DATA:
                left.append((None, value))


def _find(arguments: Mapping[str, object], path: _Path) -> object:
    value: object = arguments
    for name in path:
        value = cast("Object", value).get(name) if isinstance(value, dict) else None
    return value


def _write(value: object) -> str | None:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None
