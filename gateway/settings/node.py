"""One value of a configuration file together with where it stands."""

import re
from collections.abc import Sequence
from typing import cast

import msgspec

from gateway.errors import ConfigError

__all__ = [
    "Node",
    "Value",
    "build_node",
    "child_path",
    "config_error",
    "describe",
    "is_credential_path",
    "plain",
]

Value = str | int | float | bool | None | dict[str, "Node"] | list["Node"]

_CREDENTIAL = re.compile(
    r"key$|keys$|secret|token$|password|passwd|credential|authorization|database_url|redis_url|direct_url",
    re.IGNORECASE,
)
_CREDENTIAL_SECTIONS = ("environment_variables.", "credential_list[")
_SHOWN_CHARACTERS = 40
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w-]*")


class Node(msgspec.Struct, frozen=True):
    """A value, the file and line (from 1) where it stands, and its key path.

    The line of a mapping's member is that of its key. `is_from_environment` marks a text that a reference
    brought in: it is never shown.
    """

    value: Value
    file: str
    line: int
    path: str = ""
    is_from_environment: bool = False

    def member(self, name: str) -> "Node | None":
        """The member of a mapping; None when it is absent or null, or when this is no mapping."""
        found = self.value.get(name) if isinstance(self.value, dict) else None
        return None if found is None or found.value is None else found


def child_path(path: str, key: str | int) -> str:
    """The key path of a member or an item: `a.b`, `a[0]`, and `a["b.c"]` where the key needs quotes."""
    if isinstance(key, int):
        return f"{path}[{key}]"
    if not _PLAIN_KEY.fullmatch(key):
        return f"{path}[{msgspec.json.encode(key).decode()}]"
    return f"{path}.{key}" if path else key


def config_error(node: Node, message: str, *, allowed: Sequence[str] = ()) -> ConfigError:
    """The error for this value; the caller raises it."""
    path, file, line = node.path or None, node.file or None, node.line or None
    return ConfigError(message, path=path, file=file, line=line, allowed=allowed)


def is_credential_path(path: str) -> bool:
    """Whether a value at this path may be a credential, so that it is never shown."""
    last = path.rpartition(".")[2].rstrip('"]')
    return path.startswith(_CREDENTIAL_SECTIONS) or _CREDENTIAL.search(last) is not None


def describe(node: Node) -> str:
    """What stands there, for an error message; never the text of a possible credential."""
    value = node.value
    if value is None:
        return "nothing"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    kind = "the text" if isinstance(value, str) else "the number"
    if node.is_from_environment or is_credential_path(node.path):
        return f"{kind.removeprefix('the ')} (not shown)"
    text = str(value)
    shown = text if len(text) <= _SHOWN_CHARACTERS else text[:_SHOWN_CHARACTERS] + "..."
    return f"{kind} {shown!r}"


def plain(node: Node) -> object:
    """The value as ordinary dictionaries, lists and scalars, for what is handed on as it stands."""
    if isinstance(node.value, dict):
        return {key: plain(child) for key, child in node.value.items()}
    if isinstance(node.value, list):
        return [plain(child) for child in node.value]
    return node.value


def build_node(value: object, path: str) -> Node:
    """The node of plain JSON that stands in no file; `path` says where it comes from."""
    if isinstance(value, dict):
        members = cast("dict[str, object]", value)  # JSON objects have text keys
        return Node(
            {key: build_node(child, child_path(path, key)) for key, child in members.items()}, "", 0, path
        )
    if isinstance(value, list):
        items = cast("list[object]", value)  # of JSON values
        return Node(
            [build_node(item, child_path(path, index)) for index, item in enumerate(items)], "", 0, path
        )
    return Node(cast("Value", value), "", 0, path)  # what is left of JSON are scalars
