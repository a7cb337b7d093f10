"""Versions of a policy: drafts, which are published and put into production, and compared."""

from typing import Any

from gateway.audit.changes import Audited, Change, created, updated
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.inventory.policies.response import show_policy
from gateway.inventory.policies.rules import COLUMNS
from gateway.inventory.policies.service import PolicyService
from gateway.inventory.policies.writing import Surroundings, Writing, not_found

__all__ = ["VersionService"]

_MOST_SHOWN = 1_000
_DRAFT, _PUBLISHED, _PRODUCTION = "draft", "published", "production"
_STEPS = {(_DRAFT, _PUBLISHED), (_PUBLISHED, _PRODUCTION), (_PRODUCTION, _PUBLISHED)}


class VersionService:
    """Moves policies from version to version. Raises as `PolicyService`."""

    def __init__(self, records: Records, writing: Writing, service: PolicyService) -> None:
        self._records = records
        self._writing = writing
        self._policies = writing.policies
        self._service = service

    async def list_all(self, name: str) -> list[Columns]:
        """The versions of a policy, the newest first, at most a thousand."""
        rows = await self._policies.list_versions(name, _MOST_SHOWN)
        if not rows:
            raise not_found("policy_name", name)
        return [show_policy(row) for row in rows]

    async def create(self, caller: Principal, name: str, source_id: str | None) -> Columns:
        """Make a draft as a copy of a version: of the one named, else of that in production or the latest."""
        async with self._records.transaction():
            await self._policies.lock_all()
            rows = await self._policies.list_versions(name, _MOST_SHOWN)
            if not rows:
                raise not_found("policy_name", name)
            source = next((row for row in rows if row["version_status"] == _PRODUCTION), rows[0])
            if source_id is not None:
                source = await self._writing.get(source_id)
                if source["policy_name"] != name:
                    raise BadRequest("This is a version of another policy.", param="source_policy_id")
            columns = {column: source[column] for column in COLUMNS}
            columns |= {"version_status": _DRAFT, "parent_version_id": source["policy_id"]}
            row = await self._service.insert_version(caller, name, rows[0]["version_number"] + 1, columns)
            await self._writing.note(caller, created(Audited.POLICY, row["policy_id"], row))
        return show_policy(row)

    async def set_status(
        self, caller: Principal, identifier: str, status: str, around: Surroundings
    ) -> Columns:
        """Publish a draft, or put what is published into production, in the place of what is there."""
        async with self._records.transaction():
            await self._policies.lock_all()
            row = await self._writing.get(identifier)
            if (row["version_status"], status) not in _STEPS:
                raise BadRequest(
                    f"A version that is '{row['version_status']}' cannot become '{status[:50]}': a draft is "
                    "published, and what is published goes into production and back.",
                    param="version_status",
                )
            changes: list[Change] = []
            if status == _PRODUCTION:
                await self._writing.check(row["policy_name"], row, around)
                changes += await self._retire(caller, row["policy_name"])
            elif row["version_status"] == _PRODUCTION:
                await self._writing.refuse_orphans(row["policy_name"], around)
            changed = await self._move(caller, identifier, status)
            changes.append(updated(Audited.POLICY, identifier, row, changed))
            await self._writing.note(caller, *changes)
        return show_policy(changed)

    async def compare(self, first_id: str, second_id: str) -> dict[str, Any]:
        """Two versions, and the members in which they differ."""
        first, second = await self._writing.get(first_id), await self._writing.get(second_id)
        names = (*COLUMNS, "policy_name", "version_status")
        differ = {
            name: {"version_a": first[name], "version_b": second[name]}
            for name in names
            if (first[name] or None) != (second[name] or None)
        }
        return {
            "version_a": show_policy(first),
            "version_b": show_policy(second),
            "field_diffs": differ,
        }

    async def _retire(self, caller: Principal, name: str) -> list[Change]:
        """Take the version in production back to `published`."""
        rows = await self._policies.list_versions(name, _MOST_SHOWN)
        return [
            updated(
                Audited.POLICY,
                row["policy_id"],
                row,
                await self._move(caller, row["policy_id"], _PUBLISHED),
            )
            for row in rows
            if row["version_status"] == _PRODUCTION
        ]

    async def _move(self, caller: Principal, identifier: str, status: str) -> Columns:
        now = self._records.now()
        stamps = {_PUBLISHED: "published_at", _PRODUCTION: "production_at"}
        return await self._policies.update(
            identifier,
            {
                "version_status": status,
                stamps[status]: now,
                "updated_at": now,
                "updated_by": actor_of(caller),
            },
        )
