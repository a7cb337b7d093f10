"""Making, changing, showing and deleting versions of policies, for proxy admins."""

from collections.abc import Mapping
from typing import Any

from gateway.audit.changes import Audited, Change, created, deleted, updated
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest, Conflict
from gateway.guardrails.policies.book import Policy
from gateway.identity.pages import Listed, Page, cut
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.ids import new_id
from gateway.inventory.policies.request import NewPolicyRequest
from gateway.inventory.policies.response import show_configured, show_policy
from gateway.inventory.policies.rules import COLUMNS
from gateway.inventory.policies.writing import Surroundings, Writing, not_found

__all__ = ["PolicyService"]

_MOST_VERSIONS = 1_000


class PolicyService:
    """Policies of the database; a change is one transaction, which is announced and audited.

    `around` is what the configuration has. All methods raise DatabaseUnavailable, BadRequest for what cannot
    be, Conflict for what contradicts what is there, NotFound for what is not.
    """

    def __init__(self, records: Records, writing: Writing) -> None:
        self._records = records
        self._writing = writing
        self._policies = writing.policies

    async def create(self, caller: Principal, request: NewPolicyRequest, around: Surroundings) -> Columns:
        """Make a policy, whose first version is in production."""
        name, columns = request.policy_name, {column: getattr(request, column) for column in COLUMNS}
        async with self._records.transaction():
            await self._policies.lock_all()
            await self._writing.check(name, columns, around)
            if name in around.names or await self._policies.list_versions(name, 1):
                raise Conflict(f"There is a policy '{name[:100]}' already.", param="policy_name")
            now = self._records.now()
            status = {"version_status": "production", "published_at": now, "production_at": now}
            row = await self._insert(caller, name, 1, columns | status)
            await self._writing.note(caller, created(Audited.POLICY, row["policy_id"], row))
        return show_policy(row)

    async def update(
        self, caller: Principal, identifier: str, sent: Mapping[str, Any], around: Surroundings
    ) -> Columns:
        """Change what was sent of a draft."""
        async with self._records.transaction():
            await self._policies.lock_all()
            row = await self._writing.get(identifier)
            if row["version_status"] != "draft":
                raise BadRequest(
                    "Only drafts can be changed. Make a new version: "
                    "POST /policies/name/{policy_name}/versions.",
                    param="policy_id",
                )
            if sent.get("policy_name") not in {None, row["policy_name"]}:
                raise BadRequest("A version keeps the name of its policy.", param="policy_name")
            changes = {name: value for name, value in sent.items() if name in COLUMNS}
            await self._writing.check(row["policy_name"], {**row, **changes}, around)
            changes |= {"updated_by": actor_of(caller), "updated_at": self._records.now()}
            changed = await self._policies.update(identifier, changes)
            await self._writing.note(caller, updated(Audited.POLICY, identifier, row, changed))
        return show_policy(changed)

    async def delete(self, caller: Principal, identifier: str, around: Surroundings) -> str:
        """Remove a version, and with the last one the policy's attachments; returns the policy's name."""
        async with self._records.transaction():
            await self._policies.lock_all()
            row = await self._writing.get(identifier)
            name = row["policy_name"]
            if row["version_status"] == "production":
                await self._writing.refuse_orphans(name, around)
            await self._policies.delete(identifier)
            changes = [deleted(Audited.POLICY, identifier, row)]
            if await self._policies.list_versions(name, 1):
                await self._policies.mark_latest(name)
            else:
                changes += await self._detach(name)
            await self._writing.note(caller, *changes)
        return name

    async def delete_all(self, caller: Principal, name: str, around: Surroundings) -> int:
        """Remove all versions of a policy and its attachments; returns how many versions there were."""
        async with self._records.transaction():
            await self._policies.lock_all()
            rows = await self._policies.list_versions(name, _MOST_VERSIONS)
            if not rows:
                raise not_found("policy_name", name)
            await self._writing.refuse_orphans(name, around)
            await self._policies.delete_any([row["policy_id"] for row in rows])
            changes = [deleted(Audited.POLICY, row["policy_id"], row) for row in rows]
            await self._writing.note(caller, *changes, *await self._detach(name))
        return len(rows)

    async def find(self, identifier: str, around: Surroundings) -> Columns:
        """One version, or a policy of the configuration by its name."""
        configured = next((entry for entry in around.policies if entry.name == identifier), None)
        if configured is not None:
            return show_configured(configured)
        return show_policy(await self._writing.get(identifier))

    async def resolve(self, identifier: str, around: Surroundings) -> Policy:
        """What a version would be in production, with its parents."""
        row = await self.find(identifier, around)
        return await self._writing.check(row["policy_name"], row, around)

    async def list_all(self, status: str | None, page: Page, around: Surroundings) -> tuple[Listed, int]:
        """A page of versions, those of the configuration before the first, and how many there are."""
        rows = await self._policies.list_page(status, page.after, page.most + 1)
        configured = [show_configured(one) for one in around.policies if status in {None, "production"}]
        found = cut([show_policy(row) for row in rows], page, "policy_id")
        first = [] if page.after else configured
        count = await self._policies.count(status) + len(configured)
        return Listed(rows=[*first, *found.rows], next=found.next), count

    async def insert_version(
        self, caller: Principal, name: str, number: int, columns: Mapping[str, Any]
    ) -> Columns:
        """Store a version as the latest; inside a transaction."""
        await self._policies.clear_latest(name)
        return await self._insert(caller, name, number, columns)

    async def _insert(self, caller: Principal, name: str, number: int, columns: Mapping[str, Any]) -> Columns:
        actor, now = actor_of(caller), self._records.now()
        row = await self._policies.insert(
            {
                **columns,
                "policy_id": new_id(),
                "policy_name": name,
                "version_number": number,
                "is_latest": True,
                **dict.fromkeys(("created_by", "updated_by"), actor),
                **dict.fromkeys(("created_at", "updated_at"), now),
            }
        )
        if row is None:
            raise Conflict("A policy with this id is there already.", param="policy_id")
        return row

    async def _detach(self, name: str) -> list[Change]:
        """Remove the attachments of a policy that is gone."""
        attachments = self._writing.attachments
        rows = await attachments.find_all("policy_name", name, _MOST_VERSIONS)
        await attachments.delete_any([row["attachment_id"] for row in rows])
        return [deleted(Audited.POLICY_ATTACHMENT, row["attachment_id"], row) for row in rows]
