"""The rules of MCP servers that users submit, and of their review."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.audit.changes import Audited, created, updated
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.db.sealing import Seal
from gateway.domain import MCP_SUBMITTED, Principal, Role
from gateway.errors import BadRequest, Conflict, NotFound, PermissionDenied
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.inventory.mcp.answers import show_row
from gateway.inventory.mcp.secrets import open_secrets
from gateway.inventory.mcp.service import McpServerService
from gateway.inventory.mcp.sight import sees_all
from gateway.inventory.mcp.store import McpServerRecords
from gateway.inventory.mcp.surroundings import McpSurroundings
from gateway.inventory.notices import announce_models
from gateway.inventory.tenant_addresses import leads_inside
from gateway.settings.stored import find_reference
from gateway.upstream.address_guard import AddressGuard

__all__ = ["McpSubmissionService"]

_ACTIVE, _PENDING, _REJECTED = "active", "pending_review", "rejected"
_MOST, _MOST_WAITING = 1_000, 20
_VIEWERS = frozenset({Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER_VIEWER})
_WITHOUT_KEYS = frozenset({"true_passthrough", "oauth_delegate"})
_DEFAULTS = {
    "available_on_public_internet": True,
    **dict.fromkeys(("allow_all_keys", "delegate_auth_to_upstream", "oauth_passthrough"), False),
}


class McpSubmissionService:
    """Servers that users would have served; nothing of them is before a proxy admin approves.

    All methods raise DatabaseUnavailable. An approval is announced in its transaction.
    """

    def __init__(
        self,
        database: Database,
        records: Records,
        seal: Seal,
        servers: McpServerService,
        guard: AddressGuard,
    ) -> None:
        self._database = database
        self._records = records
        self._seal = seal
        self._rules = servers
        self._guard = guard
        self._servers = McpServerRecords(database, seal)

    async def submit(self, caller: Principal, sent: Mapping[str, Any], around: McpSurroundings) -> Columns:
        """Store a server for review. Raises as `McpServerService.create`, and for what is not for users."""
        if caller.role in _VIEWERS or not caller.user_id:
            raise PermissionDenied("Servers are submitted by users, and not by those who only look.")
        _check_required(sent, around.required)
        self._check(sent)
        values = {
            **self._rules.complete(caller, sent),
            "approval_status": _PENDING,
            "submitted_by": caller.user_id,
            "submitted_at": self._records.now(),
        }
        await self._rules.check(values, around)
        async with self._records.transaction():
            await self._rules.take_names(values, _PENDING)
            if await self._servers.count_waiting(caller.user_id) >= _MOST_WAITING:
                raise Conflict(f"{_MOST_WAITING} submissions of yours wait for review already.")
            made = await self._rules.insert(values)
            change = created(Audited.MCP_SERVER, made["server_id"], made)
            await self._records.audit.record(caller, change)
        return made

    async def summarize(self, caller: Principal) -> Columns:
        """The submissions, the newest first, and how many there are of each status; users see their own."""
        owner = None if sees_all(caller) else caller.user_id or ""
        items = [show_row(row) for row in await self._servers.list_submitted(owner, _MOST)]
        counts = {
            status: len([one for one in items if one["approval_status"] == status])
            for status in (_PENDING, _ACTIVE, _REJECTED)
        }
        return {"total": len(items), **counts, "items": items}

    async def approve(self, caller: Principal, identifier: str, around: McpSurroundings) -> Columns:
        """Have a submission served; raises as `submit` where that is impossible meanwhile."""
        async with self._records.transaction():
            row = await self._lock_pending(identifier)
            stored = open_secrets(row, self._seal)
            await self._rules.check(stored, around)
            await self._rules.take_names(stored)
            shown = await self._review(caller, row, _ACTIVE, None)
            await announce_models(self._database)
        return shown

    async def reject(self, caller: Principal, identifier: str, notes: str | None) -> Columns:
        """Refuse a submission."""
        async with self._records.transaction():
            return await self._review(caller, await self._lock_pending(identifier), _REJECTED, notes)

    async def _review(self, caller: Principal, row: Columns, status: str, notes: str | None) -> Columns:
        identifier = row["server_id"]
        values = {
            "approval_status": status,
            "reviewed_at": self._records.now(),
            "review_notes": notes,
            "updated_by": actor_of(caller),
        }
        shown = show_row(await self._servers.update(identifier, values))
        change = updated(Audited.MCP_SERVER, identifier, show_row(row), shown)
        await self._records.audit.record(caller, change)
        return shown

    async def _lock_pending(self, identifier: str) -> Columns:
        row = await self._servers.lock(identifier)
        if row is None or row["submitted_at"] is None:
            message = f"There is no submission with the id '{identifier[:200]}'."
            raise NotFound(message, param="server_id")
        if row["approval_status"] != _PENDING:
            status = row["approval_status"]
            raise Conflict(f"The submission does not wait for review; its status is '{status}'.")
        return row

    def _check(self, sent: Mapping[str, Any]) -> None:
        """Raise BadRequest for what is an administrator's to say, and for addresses not for users."""
        for name, value in sent.items():
            # Consoles also say what nobody has set.
            if name not in MCP_SUBMITTED and value not in (None, [], {}, "", _DEFAULTS.get(name)):
                raise _refused(name, f"'{name}' is for an administrator to set.")
        if sent.get("auth_type") in _WITHOUT_KEYS:
            raise _refused("auth_type", "That clients' own tokens go along is for an administrator to say.")
        if sent.get("transport") == "stdio":
            raise _refused("transport", "A program on the gateway's machine is for an administrator to add.")
        reference = find_reference(dict(sent), "")
        if reference is not None:
            raise _refused(reference, "A submission cannot refer to the gateway's environment.")
        if leads_inside(sent.get("url") or "", self._guard):
            message = "A submission has a public address; this one leads into a network not for users."
            raise _refused("url", message)


def _check_required(sent: Mapping[str, Any], required: Sequence[str]) -> None:
    """Raise BadRequest that names all that a submission lacks."""
    missing = [name for name in required if _is_empty(sent.get(name))]
    if missing:
        names = ", ".join(f"'{name}'" for name in missing)
        raise _refused(missing[0], f"A submission says more here; missing: {names}.")


def _is_empty(value: object) -> bool:
    return value in (None, [], {}) or (isinstance(value, str) and not value.strip())


def _refused(param: str, message: str) -> BadRequest:
    return BadRequest(message, param=param.lstrip("."), type="bad_request_error")
