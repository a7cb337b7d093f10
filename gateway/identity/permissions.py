"""Object permissions and unified access groups, from the JSON in which a look-up brings them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec

from gateway.domain import AccessGroup, ObjectPermission, Scope, ScopeKind
from gateway.identity.rows import OwnerRow
from gateway.identity.stored_values import read_names

__all__ = ["groups_of", "permission_of", "permissions_of", "read_groups", "read_permissions"]

_LISTS = (
    *("mcp_servers", "mcp_access_groups", "mcp_toolsets", "vector_stores", "agents", "agent_access_groups"),
    *("models", "blocked_tools", "search_tools"),
)
_NOBODY = Scope(ScopeKind.KEY, "")
_decode_row = msgspec.json.Decoder(dict[str, Any]).decode
_decode_rows = msgspec.json.Decoder(list[dict[str, Any]]).decode


def read_permissions(text: str | None) -> tuple[ObjectPermission, ...]:
    """The rows of the permission table, as yet without owners."""
    return tuple(_permission(row) for row in _decode_rows(text)) if text else ()


def read_groups(text: str | None) -> tuple[AccessGroup, ...]:
    """The rows of the access group table, as yet without owners."""
    return tuple(_group(row) for row in _decode_rows(text)) if text else ()


def permissions_of(
    owners: Iterable[OwnerRow], rows: Iterable[ObjectPermission]
) -> Iterator[ObjectPermission]:
    """The permission of every owner that names one; one that is not there permits nothing."""
    found = {row.id: row for row in rows}
    for owner in owners:
        if owner.permission_id:
            row = found.get(owner.permission_id)
            if row is None:
                yield ObjectPermission(owner=owner.scope, id=owner.permission_id, is_readable=False)
            else:
                yield msgspec.structs.replace(row, owner=owner.scope)


def groups_of(owners: Iterable[OwnerRow], rows: Iterable[AccessGroup]) -> Iterator[AccessGroup]:
    """The access groups of every owner; one that is not there opens nothing."""
    found = {row.id: row for row in rows}
    for owner in owners:
        for group_id in owner.group_ids:
            if group_id in found:
                yield msgspec.structs.replace(found[group_id], owner=owner.scope)


def permission_of(owner: Scope, permission_id: str | None, text: str | None) -> ObjectPermission | None:
    """The permission that one object names, from its row as JSON; one that is not there permits nothing."""
    if not permission_id:
        return None
    if text is None:
        return ObjectPermission(owner=owner, id=permission_id, is_readable=False)
    return msgspec.structs.replace(_permission(_decode_row(text)), owner=owner)


def _permission(row: Mapping[str, Any]) -> ObjectPermission:
    lists: dict[str, Any] = {name: read_names(row[name]) for name in _LISTS}
    tools = row["mcp_tool_permissions"]
    try:
        by_server = msgspec.convert(tools or {}, dict[str, tuple[str, ...]])
    except msgspec.ValidationError:
        return ObjectPermission(owner=_NOBODY, id=row["object_permission_id"], is_readable=False)
    return ObjectPermission(
        owner=_NOBODY, id=row["object_permission_id"], mcp_tool_permissions=by_server, **lists
    )


def _group(row: Mapping[str, Any]) -> AccessGroup:
    return AccessGroup(
        owner=_NOBODY,
        id=row["access_group_id"],
        models=read_names(row["access_model_names"]),
        mcp_servers=read_names(row["access_mcp_server_ids"]),
        agents=read_names(row["access_agent_ids"]),
    )
