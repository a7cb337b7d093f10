"""Attachments of policies: made, shown, removed."""

from collections.abc import Sequence
from typing import Any

from gateway.audit.changes import Audited, created, deleted
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest, Conflict, NotFound
from gateway.identity.faults import Faults
from gateway.identity.pages import Listed, Page, cut
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.values import check_text
from gateway.ids import new_id
from gateway.inventory.policies.impact_store import ImpactStore
from gateway.inventory.policies.request import AttachmentRequest
from gateway.inventory.policies.response import show_attachment, show_configured_attachment
from gateway.inventory.policies.rules import attachment_columns, read_scope
from gateway.inventory.policies.writing import Surroundings, Writing
from gateway.settings.policies import AttachmentEntry

__all__ = ["AttachmentService"]


class AttachmentService:
    """Where policies of the database apply. Raises as `PolicyService`."""

    def __init__(self, records: Records, writing: Writing, impact: ImpactStore) -> None:
        self._records = records
        self._impact = impact
        self._writing = writing
        self._attachments = writing.attachments

    async def create(self, caller: Principal, request: AttachmentRequest, around: Surroundings) -> Columns:
        """Attach a policy that exists, in whatever version."""
        name, entry = request.policy_name, read_scope(request)
        _check(request)
        async with self._records.transaction():
            await self._writing.policies.lock_all()
            if name not in around.names and not await self._writing.policies.list_versions(name, 1):
                raise BadRequest(f"There is no policy '{name[:100]}'.", param="policy_name")
            now, actor = self._records.now(), actor_of(caller)
            row = await self._attachments.insert(
                {
                    "attachment_id": new_id(),
                    **attachment_columns(request, entry),
                    **dict.fromkeys(("created_by", "updated_by"), actor),
                    **dict.fromkeys(("created_at", "updated_at"), now),
                }
            )
            if row is None:
                raise Conflict("An attachment with this id is there already.", param="attachment_id")
            identifier = row["attachment_id"]
            await self._writing.note(caller, created(Audited.POLICY_ATTACHMENT, identifier, row))
        return show_attachment(row)

    async def delete(self, caller: Principal, identifier: str) -> None:
        """Remove an attachment."""
        async with self._records.transaction():
            row = await self._attachments.lock(identifier)
            if row is None:
                raise _not_found(identifier)
            await self._attachments.delete(identifier)
            await self._writing.note(caller, deleted(Audited.POLICY_ATTACHMENT, identifier, row))

    async def find(self, identifier: str) -> Columns:
        """One attachment."""
        row = await self._attachments.find(identifier)
        if row is None:
            raise _not_found(identifier)
        return show_attachment(row)

    async def estimate(self, request: AttachmentRequest) -> dict[str, Any]:
        """How many keys and teams an attachment would concern; -1 means all.

        Tags that requests bring are known to nobody.
        """
        entry = read_scope(request)
        if entry.is_global:
            return {
                "affected_keys_count": -1,
                "affected_teams_count": -1,
                "unnamed_keys_count": 0,
                "unnamed_teams_count": 0,
                "sample_keys": [],
                "sample_teams": [],
            }
        keys = await self._impact.count_keys(entry.scope)
        teams = await self._impact.count_teams(entry.scope)
        return {
            "affected_keys_count": keys["total"],
            "affected_teams_count": teams["total"],
            "unnamed_keys_count": keys["unnamed"],
            "unnamed_teams_count": teams["unnamed"],
            "sample_keys": list(keys["samples"]),
            "sample_teams": list(teams["samples"]),
        }

    async def list_all(
        self, page: Page, configured: Sequence[AttachmentEntry], *, shows_all: bool
    ) -> tuple[Listed, int]:
        """A page of attachments, those of the configuration before the first, and how many there are.

        Unless `shows_all`, those that name teams or keys are left out, as they are somebody's.
        """
        rows = await self._attachments.list_page(page.after, page.most + 1, shows_all=shows_all)
        found = cut([show_attachment(row) for row in rows], page, "attachment_id")
        mine = [
            show_configured_attachment(one)
            for one in configured
            if shows_all or not (one.scope.teams or one.scope.keys)
        ]
        first: list[dict[str, Any]] = [] if page.after else mine
        count = await self._attachments.count(shows_all=shows_all) + len(mine)
        return Listed(rows=[*first, *found.rows], next=found.next), count


def _check(request: AttachmentRequest) -> None:
    faults = Faults()
    for path in ("teams", "keys", "models", "tags"):
        for index, name in enumerate(getattr(request, path) or ()):
            check_text(faults, f"{path}[{index}]", name)
    faults.refuse()


def _not_found(identifier: str) -> NotFound:
    return NotFound(f"There is no attachment with the id '{identifier[:200]}'.", param="attachment_id")
