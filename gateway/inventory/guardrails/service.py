"""The rules of making, changing, showing and deleting guardrails."""

from collections.abc import Mapping
from typing import Any

from gateway.audit.changes import Audited, created, deleted, updated
from gateway.catalog.stored_rows import open_secrets
from gateway.db.engine import Database
from gateway.db.rows import Columns
from gateway.db.sealing import Seal, UnsealableError
from gateway.domain import Principal
from gateway.guardrails.kinds import Kinds
from gateway.identity.faults import Faults
from gateway.identity.records import Records
from gateway.identity.values import check_text
from gateway.inventory.guardrails.request import GuardrailBody, PatchGuardrailRequest
from gateway.inventory.guardrails.rules import (
    ACTIVE,
    Surroundings,
    build_checked,
    mask_guardrail,
    refuse_taken,
    refuse_unknown,
    shown_info,
)
from gateway.inventory.guardrails.store import GuardrailRecords
from gateway.inventory.notices import announce_models
from gateway.settings.node import is_credential_path

__all__ = ["GuardrailService"]

_SHOWN = ("guardrail_id", "guardrail_name", "litellm_params", "guardrail_info", "created_at", "updated_at")


class GuardrailService:
    """Guardrails of the database on behalf of proxy admins; a change is one transaction, which is announced.

    All methods raise DatabaseUnavailable, BadRequest for what cannot be set up, Conflict for a name that is
    taken, NotFound for what is not there. Secrets are encrypted in the database, and masked in what is
    returned.
    """

    def __init__(self, database: Database, records: Records, seal: Seal) -> None:
        self._database = database
        self._records = records
        self._seal = seal
        self._guardrails = GuardrailRecords(database)
        self._kinds = Kinds()

    async def create(self, caller: Principal, body: GuardrailBody, around: Surroundings) -> Columns:
        """Store a guardrail; it runs as soon as the workers have heard of it."""
        name = body.guardrail_name
        _check_id(body.guardrail_id)
        build_checked(self._kinds, name, body.litellm_params, body.guardrail_info, around.environ)
        async with self._records.transaction():
            identifier = (
                None if name in around.configured else await self._guardrails.add(name, body.guardrail_id)
            )
            if identifier is None:
                raise refuse_taken(name)
            columns = {
                "litellm_params": self._close(body.litellm_params),
                "guardrail_info": body.guardrail_info,
            }
            made = _show(await self._guardrails.update(identifier, columns))
            await self._records.audit.record(caller, created(Audited.GUARDRAIL, identifier, made))
            await announce_models(self._database)
        return made

    async def replace(
        self,
        caller: Principal,
        identifier: str,
        body: GuardrailBody,
        around: Surroundings,
    ) -> Columns:
        """Set the whole guardrail; a secret that is sent as it was shown, masked, stays."""
        async with self._records.transaction():
            row = await self._lock(identifier)
            stored = self._open(row["litellm_params"])
            params = _unmasked(body.litellm_params, stored)
            return await self._set(caller, row, body.guardrail_name, params, body.guardrail_info, around)

    async def patch(
        self,
        caller: Principal,
        identifier: str,
        sent: PatchGuardrailRequest,
        around: Surroundings,
    ) -> Columns:
        """Change what was sent."""
        async with self._records.transaction():
            row = await self._lock(identifier)
            stored = self._open(row["litellm_params"])
            merged = {**stored, **_unmasked(sent.litellm_params or {}, stored)}
            params = {name: value for name, value in merged.items() if value is not None}
            info = row["guardrail_info"] if sent.guardrail_info is None else sent.guardrail_info
            name = sent.guardrail_name or row["guardrail_name"]
            return await self._set(caller, row, name, params, info, around)

    async def delete(self, caller: Principal, identifier: str) -> Columns:
        """Remove a guardrail, or a submission of one.

        Keys and teams that have it are refused until it is taken off them.
        """
        async with self._records.transaction():
            row = await self._guardrails.lock(identifier)
            if row is None:
                raise refuse_unknown(identifier)
            await self._guardrails.delete(identifier)
            await self._records.audit.record(caller, deleted(Audited.GUARDRAIL, identifier, _show(row)))
            await announce_models(self._database)
        return _show(row)

    async def find(self, identifier: str) -> Columns:
        """One guardrail, masked."""
        row = await self._guardrails.find_active(identifier)
        if row is None:
            raise refuse_unknown(identifier)
        return _show(row)

    async def _set(
        self,
        caller: Principal,
        row: Columns,
        name: str,
        params: Mapping[str, Any],
        info: Mapping[str, object] | None,
        around: Surroundings,
    ) -> Columns:
        identifier = row["guardrail_id"]
        build_checked(self._kinds, name, params, info, around.environ)
        if name in around.configured or await self._guardrails.is_taken(name, identifier):
            raise refuse_taken(name)
        columns = {"guardrail_name": name, "litellm_params": self._close(params), "guardrail_info": info}
        changed = _show(await self._guardrails.update(identifier, columns))
        change = updated(Audited.GUARDRAIL, identifier, _show(row), changed)
        await self._records.audit.record(caller, change)
        await announce_models(self._database)
        return changed

    def _close(self, params: Mapping[str, object]) -> dict[str, object]:
        """The parameters with those texts encrypted that are named like secrets."""
        return {
            name: self._seal.close(value) if isinstance(value, str) and is_credential_path(name) else value
            for name, value in params.items()
        }

    def _open(self, stored: Mapping[str, object]) -> dict[str, object]:
        """The parameters, decrypted; what can be decrypted no more is left out, and has to be sent again."""
        found: dict[str, object] = {}
        for name, value in stored.items():
            try:
                found |= open_secrets({name: value}, self._seal, "litellm_params")
            except UnsealableError:
                continue
        return found

    async def _lock(self, identifier: str) -> Columns:
        row = await self._guardrails.lock(identifier)
        if row is None or row["status"] != ACTIVE:
            raise refuse_unknown(identifier)
        return row


def _check_id(identifier: str | None) -> None:
    if identifier is not None:
        faults = Faults()
        check_text(faults, "guardrail_id", identifier)
        faults.refuse()


def _unmasked(sent: Mapping[str, object], stored: Mapping[str, object]) -> dict[str, object]:
    """What was sent, with the stored value where the masked one was sent back."""
    shown = mask_guardrail(stored)
    return {
        name: stored[name] if name in stored and value == shown[name] else value
        for name, value in sent.items()
    }


def _show(row: Columns) -> Columns:
    shown = {name: row[name] for name in _SHOWN}
    params, info = mask_guardrail(row["litellm_params"]), shown_info(row["guardrail_info"])
    return {**shown, "litellm_params": params, "guardrail_info": info, "guardrail_definition_location": "db"}
