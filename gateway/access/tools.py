"""Which tools and vector stores a request may bring."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import cast

from gateway.access.agents import check_named_agent, restricts_agents
from gateway.domain import ObjectPermission
from gateway.errors import BadRequest, PermissionDenied
from gateway.hooks import RequestBody, RequestContext
from gateway.sdk.permissions import check_vector_stores

__all__ = [
    "build_tool_check",
    "build_vector_store_check",
    "check_named_objects",
    "list_tool_names",
    "refuse_tools",
]

_LONGEST_LIST = 10
_DESCRIPTIONS = ("function", "custom")
"""Members of a tool of the caller's that say its name."""
_OF_CALLERS = frozenset({"", *_DESCRIPTIONS})
_VERSION = re.compile(r"[0-9]{8}")


def build_tool_check(allowed: frozenset[str], blocked: frozenset[str]) -> Callable[[RequestContext], None]:
    """A check that raises PermissionDenied for tools that are blocked, or not allowed where any list is."""

    def check(context: RequestContext) -> None:
        members = context.body.members
        if "tools" not in members and "functions" not in members:
            return
        names = dict.fromkeys(list_tool_names(context.body))
        refused = [name for name in names if name in blocked or (allowed and name not in allowed)]
        if refused:
            listed = refused[:_LONGEST_LIST]
            raise refuse_tools(f"Tool(s) {listed} are not in the allowed tools list for this key/team.")

    return check


def build_vector_store_check(permissions: Iterable[ObjectPermission]) -> Callable[[RequestContext], None]:
    """A check that raises PermissionDenied for vector stores that an owner may not use."""
    asked = tuple(permissions)

    def check(context: RequestContext) -> None:
        members = context.body.members
        if "vector_store_ids" in members or "tools" in members:
            check_vector_stores(asked, tuple(_vector_stores(context.body)))

    return check


def check_named_objects(context: RequestContext) -> None:
    """Raise PermissionDenied for what the object permission of a named end user or agent does not allow."""
    permissions = [one.permission for one in context.subjects if one.permission is not None]
    if any(one.vector_stores or not one.is_readable for one in permissions):
        build_vector_store_check(permissions)(context)
    blocked = frozenset(name for one in permissions for name in one.blocked_tools)
    if blocked:
        build_tool_check(frozenset(), blocked)(context)
    if any(map(restricts_agents, permissions)):
        check_named_agent(context)


def refuse_tools(message: str) -> PermissionDenied:
    """The refusal of tools that a request brings."""
    return PermissionDenied(message, param="tools", type="tool_access_denied")


def list_tool_names(body: RequestBody) -> Iterator[str]:
    """Every name of a tool that a request brings. Raises BadRequest for one without a name."""
    for member in ("tools", "functions"):
        value = body.read(member)
        if value is not None and not isinstance(value, list):
            raise BadRequest(f"'{member}' must be a list.", param=member)
        for index, tool in enumerate(_objects(body.read(member))):
            yield from _names_of(tool, f"{member}[{index}]")


def _names_of(tool: Mapping[str, object], path: str) -> list[str]:
    """Every name that a provider may take for the tool's, and the type of one that it brings itself."""
    inner = (_object(tool.get(member)).get("name") for member in _DESCRIPTIONS)
    names = [name for name in (*inner, tool.get("name")) if isinstance(name, str) and name]
    kind = tool.get("type")
    # A name makes no other tool of it; `bash_20250124` is a version of `bash`.
    if isinstance(kind, str) and kind not in _OF_CALLERS and not _is_version(kind, names):
        names.append(kind)
    if not names:
        raise BadRequest(f"'{path}' has no name, so nobody can tell whether it is allowed.", param=path)
    return names


def _is_version(kind: str, names: Iterable[str]) -> bool:
    return any(kind == name or _VERSION.fullmatch(kind.removeprefix(f"{name}_")) for name in names)


def _vector_stores(body: RequestBody) -> Iterator[str]:
    yield from _texts(body.read("vector_store_ids"))
    for tool in _objects(body.read("tools")):
        yield from _texts(tool.get("vector_store_ids"))


def _objects(value: object) -> Iterator[Mapping[str, object]]:
    if not isinstance(value, list):
        return
    for item in cast("list[object]", value):  # of unknown JSON values
        yield _object(item)


def _object(value: object) -> Mapping[str, object]:
    return (
        cast("Mapping[str, object]", value) if isinstance(value, dict) else {}
    )  # JSON objects have text keys


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        yield from (str(item) for item in cast("list[object]", value))  # of unknown JSON values
