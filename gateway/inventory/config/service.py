"""The rules of changing and showing settings of the database."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from gateway.audit.changes import Audited, updated
from gateway.catalog.stored_rows import open_members
from gateway.db.engine import Database
from gateway.db.sealing import Seal, UnsealableError
from gateway.domain import Principal
from gateway.errors import BadRequest, ConfigError
from gateway.identity.records import Records
from gateway.inventory.config.fields import check_field, mask_field
from gateway.inventory.config.store import ConfigRecords
from gateway.inventory.notices import announce_models
from gateway.inventory.sealed import SealedMembers, merge_members
from gateway.settings.overlay import LIVE_FIELDS, VARIABLES, Overlay

__all__ = ["ConfigService", "Field"]

_SECTIONS = [*LIVE_FIELDS, VARIABLES]
_Check = Callable[[Overlay], None] | None
_Members = dict[str, Any]


class Field(msgspec.Struct, frozen=True):
    """One setting; `configured` is its value where the database has none."""

    section: str
    name: str
    configured: object


class ConfigService:
    """Settings on behalf of proxy admins; every change is one transaction that announces itself.

    Raises DatabaseUnavailable, and BadRequest for settings that do not exist, belong to the process, or could
    not be taken over: `check` raises ConfigError for these.
    """

    def __init__(self, database: Database, records: Records, seal: Seal) -> None:
        self._database = database
        self._records = records
        self._config = ConfigRecords(database)
        self._seal = seal
        self._variables = SealedMembers(seal, VARIABLES)

    async def stored(self, section: str) -> _Members:
        """The members of a section that the database has; variables encrypted."""
        return (await self._config.find_sections([section])).get(section, {})

    async def stored_sections(self, sections: list[str]) -> dict[str, _Members]:
        """The members of several sections, those that have a row."""
        return dict(await self._config.find_sections(sections))

    async def update(
        self, caller: Principal, changes: Mapping[str, Mapping[str, Any]], check: _Check
    ) -> None:
        """Change members of sections, null taking one away."""
        for section, members in changes.items():
            for name in members:
                check_field(section, name)
        async with self._records.transaction():
            # In one order, so that two changes wait for each other and do not meet.
            for section in sorted(changes):
                await self._change(caller, section, changes[section])
            await self._check(check)
            await announce_models(self._database)

    async def edit(
        self, caller: Principal, field: Field, change: Callable[[Any], Any], check: _Check
    ) -> None:
        """Make another value of what a field has, so that two changes at once both count."""
        check_field(field.section, field.name)
        async with self._records.transaction():
            stored = await self._config.lock_section(field.section)
            value = stored.get(field.name)
            # A value of another kind was not taken over, so that it is not what anybody sees.
            is_usable = isinstance(value, type(field.configured))
            made = change(value if is_usable else field.configured)
            await self._change(caller, field.section, {field.name: made})
            await self._check(check)
            await announce_models(self._database)

    async def set_noted(self, caller: Principal, section: str, name: str, value: object) -> None:
        """Store a member that is no setting of the gateway's own, such as which models are public."""
        async with self._records.transaction():
            await self._change(caller, section, {name: value})
            await announce_models(self._database)

    async def edit_noted(
        self, caller: Principal, section: str, change: Callable[[Mapping[str, Any]], Mapping[str, Any]]
    ) -> _Members:
        """Change members that are no settings of the gateway's own: those that `change` returns.

        Null takes one away. Returns all members of the section, as they are then.
        """
        async with self._records.transaction():
            stored = await self._config.lock_section(section)
            changes = change(stored)
            await self._change(caller, section, changes)
            await announce_models(self._database)
        return merge_members(stored, changes)

    async def _change(self, caller: Principal, section: str, members: Mapping[str, Any]) -> None:
        stored = await self._config.lock_section(section)
        closed = self._variables.close(_as_texts(members)) if section == VARIABLES else members
        changed = merge_members(stored, closed)
        await self._config.update(section, {"param_value": changed})
        change = updated(Audited.CONFIG, section, _masked(section, stored), _masked(section, changed))
        await self._records.audit.record(caller, change)

    async def _check(self, check: _Check) -> None:
        if check is None:
            return
        overlay: dict[str, _Members] = dict(await self._config.find_sections(_SECTIONS))
        try:
            variables = overlay.get(VARIABLES, {})
            overlay[VARIABLES] = open_members(variables, self._seal, VARIABLES)
            await asyncio.to_thread(check, overlay)
        except (ConfigError, UnsealableError) as error:
            path = error.path if isinstance(error, ConfigError) else VARIABLES
            raise BadRequest(str(error), param=path, type="bad_request_error") from error


def _as_texts(members: Mapping[str, Any]) -> _Members:
    return {
        name: value if value is None or isinstance(value, str) else str(value)
        for name, value in members.items()
    }


def _masked(section: str, members: Mapping[str, object]) -> _Members:
    if section == VARIABLES:
        return {VARIABLES: dict(members)}
    return {name: mask_field(name, value) for name, value in members.items()}
