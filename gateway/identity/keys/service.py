"""The rules of making and showing virtual keys."""

from datetime import datetime
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created
from gateway.audit.trail import AuditTrail
from gateway.clock import Clock, datetime_from_nanos
from gateway.db.engine import Database
from gateway.domain import Principal, Role, Scope, ScopeKind
from gateway.errors import BadRequest, PermissionDenied
from gateway.identity.access_groups_store import AccessGroupLinks, Assigned
from gateway.identity.adjustments_store import SpendEntries
from gateway.identity.credentials import hash_of
from gateway.identity.keys.defaults import KeyDefaults
from gateway.identity.keys.owners import KeyOwners
from gateway.identity.keys.record import build_columns, naive
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.keys.response import build_generated, build_info, not_found, status_of
from gateway.identity.keys.rules import Covers
from gateway.identity.keys.store import KeyRecords
from gateway.identity.keys.usage import build_usage
from gateway.identity.keys.values import check_values
from gateway.identity.notices import Notices
from gateway.identity.reset_calendar import ResetCalendar
from gateway.ids import new_key

__all__ = ["KeyService"]

_READERS = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


class KeyService:
    """Virtual keys on behalf of a caller.

    Every change is one transaction that also announces itself, so that all workers forget the key when it
    commits. All methods raise DatabaseUnavailable. `covers` says whether a list of models covers a name.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        defaults: KeyDefaults,
        covers: Covers,
        calendar: ResetCalendar | None = None,
        audit: AuditTrail | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self.defaults = defaults
        self._calendar = calendar or ResetCalendar()
        self._records = KeyRecords(database)
        groups = AccessGroupLinks(database)
        self.owners = KeyOwners(self._records, groups, covers)
        self._groups = groups
        self._notices = Notices(database)
        self._entries = SpendEntries(database)
        self._audit = audit or AuditTrail(database)

    async def generate(self, caller: Principal, request: GenerateKeyRequest) -> dict[str, object]:
        """Make a key; the answer (GenerateKeyResponse) is the only place where its secret is ever shown.

        Raises BadRequest for values that cannot be, PermissionDenied for members that the caller may not
        set, NotFound for a project that does not exist.
        """
        request = self.defaults.apply(request)
        check_values(request)
        secret = request.key or new_key()
        async with self._database.transaction():
            request = await self.owners.settle(caller, request)
            return await self._insert(caller, request, secret)

    async def generate_service_account(
        self, caller: Principal, request: GenerateKeyRequest
    ) -> dict[str, object]:
        """Make a key that belongs to a team and to no user; answers as `generate`.

        Raises BadRequest without a team that is there, PermissionDenied or AuthenticationFailed for who may
        not make keys of it.
        """
        request = msgspec.structs.replace(self.defaults.apply(request), user_id=None)
        check_values(request)
        secret = request.key or new_key()
        async with self._database.transaction():
            request = await self.owners.settle_service_account(caller, request)
            return await self._insert(caller, request, secret)

    async def info(self, caller: Principal, key: str | None) -> dict[str, object]:
        """Show a key, the caller's own by default, a deleted one from the archive.

        Raises NotFound, and PermissionDenied for somebody else's key.
        """
        token = caller.token_hash if key is None else hash_of(key)
        row = await self._records.find(token)
        status = None if row is None else status_of(row, self._now_naive())
        if row is None:
            row, status = await self._records.find_deleted(token), "deleted"
        if row is None:
            raise not_found()
        await self._check_may_see(caller, row)
        budget = await self._records.find_budget(row["budget_id"]) if row["budget_id"] else None
        permission_id = row["object_permission_id"]
        permission = await self._records.find_permission(permission_id) if permission_id else None
        info = build_info(row, status or "active", budget, permission)
        if row["model_max_budget"] or row.get("budget_limits"):
            info |= build_usage(row, await self._records.list_meters(token))
        return {"key": key or token, "info": info}

    async def find_token_of_alias(self, key_alias: str) -> str | None:
        """The hash of the key that has this alias, if one has."""
        return await self._records.find_token_of_alias(key_alias)

    async def _insert(self, caller: Principal, request: GenerateKeyRequest, secret: str) -> dict[str, object]:
        if request.key_alias and await self._records.is_alias_taken(request.key_alias):
            raise BadRequest(
                f"Key with alias '{request.key_alias}' already exists. Aliases are unique across all keys.",
                param="key_alias",
                type="bad_request_error",
            )
        columns = build_columns(request, secret, caller, self._now(), self._calendar)
        await self._insert_linked(caller, request, columns)
        row = await self._records.insert(columns)
        scope = _scope(row["token"])
        if request.access_group_ids:
            await self._groups.assign(Assigned.KEYS, row["token"], request.access_group_ids)
        await self._entries.open_balance(scope, request.spend)
        changed = [scope]
        changes = [created(Audited.KEY, row["token"], row)]
        if request.user_id and await self._records.ensure_user(request.user_id):
            user = Scope(ScopeKind.USER, request.user_id)
            await self._entries.open_balance(user, 0.0)
            changed.append(user)
            changes.append(created(Audited.USER, request.user_id, {"user_id": request.user_id}))
        await self._audit.record(caller, *changes)
        await self._notices.announce(changed)
        budget = await self._records.find_budget(row["budget_id"]) if row["budget_id"] else None
        return build_generated(request, row, secret, budget)

    async def _insert_linked(
        self, caller: Principal, request: GenerateKeyRequest, columns: dict[str, Any]
    ) -> None:
        """Make the rows that the key refers to: its soft budget and its object permission."""
        if request.soft_budget is not None:
            actor = caller.user_id or caller.token_hash
            budget_id = await self._records.insert_soft_budget(request.soft_budget, actor)
            budget = {"budget_id": budget_id, "soft_budget": request.soft_budget}
            await self._audit.record(caller, created(Audited.BUDGET, budget_id, budget))
            columns["budget_id"] = budget_id
        if request.object_permission is not None:
            given = msgspec.structs.asdict(request.object_permission)
            values = {name: value for name, value in given.items() if value is not None}
            permission_id = await self._records.insert_permission(values)
            await self._audit.record(caller, created(Audited.OBJECT_PERMISSION, permission_id, values))
            columns["object_permission_id"] = permission_id

    async def _check_may_see(self, caller: Principal, row: dict[str, Any]) -> None:
        if caller.role in _READERS or row["token"] == caller.token_hash or _owns(caller, row):
            return
        standing = await self.owners.standing_in(row["team_id"], caller)
        if not (standing.is_member or await self.owners.administers(caller, row)):
            raise PermissionDenied("You are not allowed to access this key's info.", param="key")

    def _now(self) -> datetime:
        return datetime_from_nanos(self._clock.now_nanos())

    def _now_naive(self) -> datetime:
        return naive(self._now())


def _owns(caller: Principal, row: dict[str, Any]) -> bool:
    return caller.user_id is not None and caller.user_id == row["user_id"]


def _scope(token: str) -> Scope:
    return Scope(ScopeKind.KEY, token)
