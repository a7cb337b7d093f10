"""Encrypts every secret of the database anew, in one transaction: under another key, or in another format."""

from typing import Any

from gateway.audit.changes import Action, Audited, Change
from gateway.audit.trail import AuditTrail
from gateway.db.connection import Connection
from gateway.db.engine import Database
from gateway.db.sealing import Seal
from gateway.domain import Principal, Secret
from gateway.errors import BadRequest
from gateway.inventory.notices import announce_models
from gateway.inventory.rotation.sealed_json import Census, Resealing
from gateway.inventory.rotation.store import PLACES, Place, SealedColumns, SealedValue

__all__ = ["SealRotation", "find_lost", "reseal_all"]

_NAMED = 20


class SealRotation:
    """Rotates on behalf of proxy admins. Raises DatabaseUnavailable."""

    def __init__(self, database: Database, seal: Seal, audit: AuditTrail) -> None:
        self._database = database
        self._seal = seal
        self._audit = audit

    async def report(self) -> dict[str, Any]:
        """How the secrets are encrypted, by column; changes nothing."""
        async with self._database.transaction() as connection:
            found = await reseal_all(connection, self._seal, self._seal, writes=False)
        return _report(found)

    async def renew(self, caller: Principal) -> dict[str, Any]:
        """Encrypt everything anew under the same key, in the one format that is written.

        What cannot be decrypted stays as it is, and is named.
        """
        async with self._database.transaction() as connection:
            found = await reseal_all(connection, self._seal, self._seal, writes=True)
            return await self._note(caller, _report(found))

    async def rotate(self, caller: Principal, key: Secret) -> dict[str, Any]:
        """Encrypt everything under another key, and go on with it in this process.

        Raises BadRequest, and changes nothing, where a secret cannot be decrypted.
        """
        async with self._database.transaction() as connection:
            found = await reseal_all(connection, self._seal, Seal(key), writes=True)
            lost = find_lost(found)
            if lost:
                message = f"Nothing was changed, for these cannot be decrypted: {', '.join(lost[:_NAMED])}."
                raise BadRequest(message, type="bad_request_error")
            # The notice of this change may be heard before the next line after it runs.
            self._seal.learn(key)
            report = await self._note(caller, _report(found))
        self._seal.adopt(key)
        return report

    async def _note(self, caller: Principal, report: dict[str, Any]) -> dict[str, Any]:
        await self._audit.record(caller, Change(Action.ROTATED, Audited.CREDENTIAL, "*", None, report))
        await announce_models(self._database)
        return report


async def reseal_all(connection: Connection, old: Seal, new: Seal, *, writes: bool) -> dict[str, Census]:
    """Go through every column with encrypted values; returns what was found, by column.

    Unless it `writes`, nothing is changed. Values that cannot be decrypted stay as they are.
    """
    columns = SealedColumns()
    found: dict[str, Census] = {}
    for place in PLACES:
        work = Resealing(old, new)
        async for page in columns.read(connection, place, holds=writes):
            anew = [SealedValue(value.key, _reseal(work, place, value)) for value in page]
            changed = [after for before, after in zip(page, anew, strict=True) if before.text != after.text]
            if writes:
                await columns.write(connection, place, changed)
        found[place.path] = work.census
    return found


def find_lost(found: dict[str, Census]) -> list[str]:
    """The secrets that cannot be decrypted, of columns where every text is one."""
    strict = (place.path for place in PLACES if place.is_strict)
    return [path for name in strict for path in found[name].unreadable]


def _reseal(work: Resealing, place: Place, value: SealedValue) -> str:
    path = f'{place.table}["{value.key}"].{place.column}'
    return work.reseal_json(value.text, path) if place.is_json else work.reseal_text(value.text, path)


def _report(found: dict[str, Census]) -> dict[str, Any]:
    return {
        path: {
            "encrypted": census.encrypted,
            "xsalsa20-poly1305": census.box,
            "aes-256-gcm": census.v2 + census.v3,
            "plain": census.plain,
            "unreadable": census.unreadable[:_NAMED],
        }
        for path, census in found.items()
    }
