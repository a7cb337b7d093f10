"""The rules of changing where secrets are read."""

from collections.abc import Callable, Mapping
from typing import Any

from gateway.audit.changes import Audited, deleted, updated
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.domain import Principal
from gateway.errors import BadRequest, ConfigError, NotFound
from gateway.identity.records import Records
from gateway.inventory.masking import mask_text
from gateway.inventory.notices import announce_models
from gateway.inventory.overrides.fields import ADDRESSES, SECRETS
from gateway.inventory.sealed import SealedMembers, check_destination, merge_members
from gateway.inventory.settings_store import override_row

__all__ = ["OverrideService"]

_Members = dict[str, Any]
_INEFFECTIVE = {"refresh_interval": "Tokens are renewed when they are refused, secrets read every 5 minutes."}


class OverrideService:
    """Settings of secret managers on behalf of proxy admins; every text of them is stored encrypted.

    Raises DatabaseUnavailable.
    """

    def __init__(self, database: Database, records: Records, seal: Seal) -> None:
        self._database = database
        self._records = records
        self._seal = seal

    async def stored(self, kind: str) -> _Members:
        """What the database has, decrypted; what cannot be decrypted is left out."""
        return self._sealed(kind).open_readable(await override_row(self._database, kind).find())

    async def update(
        self, caller: Principal, kind: str, sent: Mapping[str, Any], check: Callable[[_Members], object]
    ) -> None:
        """Change members, null or an empty text taking one away; a secret sent as it was shown stays.

        `check` raises ConfigError for settings that nobody could read by; then BadRequest is raised, and
        nothing is stored.
        """
        row, sealed = override_row(self._database, kind), self._sealed(kind)
        async with self._records.transaction():
            before = sealed.open(await row.lock(), sent)
            meant = _meant(sent, before)
            check_destination(before, meant, addresses=ADDRESSES, secrets=SECRETS)
            after = merge_members(before, meant)
            _check(after, check)
            await row.write(sealed.close(after))
            change = updated(Audited.CONFIG_OVERRIDES, kind, before, after)
            await self._records.audit.record(caller, change)
            await announce_models(self._database)

    async def delete(self, caller: Principal, kind: str) -> None:
        """Read secrets there no more. Raises NotFound where nothing is stored."""
        row = override_row(self._database, kind)
        async with self._records.transaction():
            removed = await row.delete()
            if removed is None:
                raise NotFound(f"There are no settings of '{kind}'.", param="config_type")
            readable = self._sealed(kind).open_readable(removed)
            await self._records.audit.record(caller, deleted(Audited.CONFIG_OVERRIDES, kind, readable))
            await announce_models(self._database)

    def _sealed(self, kind: str) -> SealedMembers:
        return SealedMembers(self._seal, kind)


def _check(members: _Members, check: Callable[[_Members], object]) -> None:
    for name, reason in _INEFFECTIVE.items():
        if members.get(name):
            raise BadRequest(f"{name}: {reason} Leave it out.", param=name, type="bad_request_error")
    try:
        check(members)
    except ConfigError as error:
        message = f"{error.path}: {error.reason}"
        raise BadRequest(message, param=error.path, type="bad_request_error") from error


def _meant(sent: Mapping[str, Any], stored: Mapping[str, Any]) -> _Members:
    """What was sent, without secrets that were sent as they were shown."""
    return {
        name: value or None
        for name, value in sent.items()
        if not (name in SECRETS and name in stored and value == mask_text(str(stored[name])))
    }
