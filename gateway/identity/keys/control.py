"""The rules of blocking and deleting virtual keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from gateway.audit.changes import Action, Audited, Change, deleted
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import VerificationToken
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import PermissionDenied, ValidationFailed
from gateway.identity.credentials import hash_of
from gateway.identity.deletions import build_deletion
from gateway.identity.keys.archive_store import KeyArchive
from gateway.identity.keys.owners import KeyOwners
from gateway.identity.keys.request import DeleteKeysRequest
from gateway.identity.keys.response import build_info, not_found, status_of
from gateway.identity.records import Records

__all__ = ["KeyControl"]


class KeyControl:
    """Blocks and deletes keys on behalf of a caller; each change is one transaction that announces itself.

    Raises DatabaseUnavailable.
    """

    def __init__(self, database: Database, records: Records, owners: KeyOwners) -> None:
        self._records = records
        self._owners = owners
        self._rows = Rows(VerificationToken)
        self._archive = KeyArchive(database)

    async def delete(self, caller: Principal, request: DeleteKeysRequest) -> dict[str, object]:
        """Delete keys, all or none, with their former secrets; the rows move to the archive.

        Raises ValidationFailed when nothing is named, NotFound when a key does not exist, PermissionDenied
        when one is neither the caller's nor of a team or organization that the caller administers.
        """
        keys, aliases = request.keys or [], request.key_aliases or []
        if not keys and not aliases:
            raise ValidationFailed("Name the keys to delete, or their key_aliases.", param="keys")
        tokens = {hash_of(key) for key in keys}
        async with self._records.transaction():
            held = await self._archive.lock(sorted(tokens), aliases)
            rows = await self._rows.find_any(held)
            if not _are_all(rows, tokens, aliases):
                raise not_found()
            await self._check_may_delete(caller, rows)
            await self._archive.archive(held, build_deletion(caller, self._records.now()))
            await self._records.audit.record(
                caller, *(deleted(Audited.KEY, row["token"], row) for row in rows)
            )
            await self._records.notices.announce(Scope(ScopeKind.KEY, token) for token in held)
        return {"deleted_keys": [*keys, *aliases]}

    async def set_blocked(self, caller: Principal, key: str, *, is_blocked: bool) -> dict[str, object]:
        """Block or unblock a key and return its row; raises NotFound, PermissionDenied."""
        async with self._records.transaction():
            row = await self._rows.lock(hash_of(key))
            if row is None:
                raise not_found()
            await self._check_administers(caller, row)
            token, now = row["token"], self._records.now()
            marks = {"blocked": is_blocked, "updated_at": now, "updated_by": caller.user_id}
            changed = await self._rows.update(token, marks)
            action = Action.BLOCKED if is_blocked else Action.UNBLOCKED
            await self._records.audit.record(caller, Change(action, Audited.KEY, token, row, changed))
            await self._records.notices.announce([Scope(ScopeKind.KEY, token)])
        return {"token": token, **build_info(changed, status_of(changed, now), None, None)}

    async def check_may_reset(self, caller: Principal, key: str) -> None:
        """Raise unless the caller may set what a key has spent: NotFound, PermissionDenied."""
        row = await self._rows.find(hash_of(key))
        if row is None:
            raise not_found()
        await self._check_administers(caller, row)

    async def _check_may_delete(self, caller: Principal, rows: Sequence[Columns]) -> None:
        if caller.is_admin:
            return
        foreign = [row for row in rows if caller.user_id is None or row["user_id"] != caller.user_id]
        if foreign and not await self._owners.administers_all(caller, foreign):
            raise _denied()

    async def _check_administers(self, caller: Principal, row: Mapping[str, Any]) -> None:
        """An owner may delete a key and not unblock it: somebody above may have blocked it."""
        if not (caller.is_admin or await self._owners.administers(caller, row)):
            raise _denied()


def _are_all(rows: Sequence[Columns], tokens: set[str], aliases: Sequence[str]) -> bool:
    """Whether there is a row for everything that was named."""
    found = {row["token"] for row in rows}
    return tokens <= found and {row["key_alias"] for row in rows}.issuperset(aliases)


def _denied() -> PermissionDenied:
    return PermissionDenied("You are not allowed to change this key.", param="key")
