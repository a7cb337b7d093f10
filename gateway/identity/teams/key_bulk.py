"""One change for many keys of a team."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import DatabaseUnavailable, GatewayError
from gateway.identity.credentials import hash_of
from gateway.identity.faults import Faults
from gateway.identity.keys.updates import KeyUpdates
from gateway.identity.named_ids import MOST_NAMED, read_ids
from gateway.identity.records import Records
from gateway.identity.rights import Level
from gateway.identity.teams.roster import check_level, get_team

__all__ = ["BulkTeamKeysRequest", "TeamKeys"]

_NOT_FOR_MANY = ("key", "key_alias", "team_id", "spend")


class BulkTeamKeysRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /team/key/bulk_update`: keys, plain or hashed, or all; the fields as in `UpdateKeyRequest`."""

    team_id: str
    update_fields: dict[str, msgspec.Raw]
    key_ids: list[str] | None = None
    all_keys_in_team: bool | None = None


class TeamKeys:
    """Changes keys of a team on behalf of who administers it, each in a transaction of its own.

    Raises NotFound for an unknown team, PermissionDenied, DatabaseUnavailable.
    """

    def __init__(self, records: Records, updates: KeyUpdates) -> None:
        self._records = records
        self._updates = updates

    async def update(
        self, caller: Principal, request: BulkTeamKeysRequest, sent: Mapping[str, Any]
    ) -> Columns:
        """Change the keys; the answer says which could not be, and why.

        Raises BadRequest for none or too many, and for a member that cannot be the same on many keys.
        """
        team = await get_team(self._records, request.team_id)
        await check_level(self._records, caller, team, Level.TEAM_ADMIN)
        self._check(request, sent)
        rows = await self._records.teams.list_keys(request.team_id, MOST_NAMED + 1)
        named = [row["token"] for row in rows]
        known = set(named)
        if request.key_ids is not None:
            named = read_ids("key_ids", request.key_ids)
            found = await self._records.teams.find_keys(request.team_id, [hash_of(key) for key in named])
            known = set(found)
        read_ids("all_keys_in_team", named)
        done: list[Columns] = []
        failed: list[Columns] = []
        for key in named:
            result = await self._update(caller, key, sent, is_known=hash_of(key) in known)
            (failed if "failed_reason" in result else done).append(result)
        return {"total_requested": len(named), "successful_updates": done, "failed_updates": failed}

    async def _update(
        self, caller: Principal, key: str, sent: Mapping[str, Any], *, is_known: bool
    ) -> Columns:
        if not is_known:
            return {"key": key, "key_info": None, "failed_reason": "The team has no such key."}
        try:
            row = await self._updates.update(caller, {**sent, "key": key})
        except DatabaseUnavailable:
            raise
        except GatewayError as error:
            return {"key": key, "key_info": None, "failed_reason": error.message}
        return {"key": key, "key_info": {name: row[name] for name in row if name not in ("key", "token")}}

    def _check(self, request: BulkTeamKeysRequest, sent: Mapping[str, Any]) -> None:
        faults = Faults()
        if bool(request.all_keys_in_team) == (request.key_ids is not None):
            faults.add("key_ids", "name the keys, or send all_keys_in_team.")
        _check_fields(faults, sent)
        faults.refuse()


def _check_fields(faults: Faults, sent: Mapping[str, Any]) -> None:
    if not sent:
        faults.add("update_fields", "say what is to change.")
    refused: Sequence[str] = [name for name in _NOT_FOR_MANY if name in sent]
    for name in refused:
        faults.add(f"update_fields.{name}", "cannot be changed for many keys at once.")
