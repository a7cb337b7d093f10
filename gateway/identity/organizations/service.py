"""The rules of making organizations."""

import msgspec

from gateway.audit.changes import Audited, created
from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest
from gateway.identity.budgets.linking import check_link, link_budget
from gateway.identity.faults import Faults
from gateway.identity.metadata import merge_metadata
from gateway.identity.organizations.request import NewOrganizationRequest
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.values import check_members
from gateway.ids import new_id

__all__ = ["OrganizationService"]

_METADATA_FIELDS = ("model_rpm_limit", "model_tpm_limit")


class OrganizationService:
    """Organizations on behalf of proxy admins; every change is one transaction that announces itself."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def create(self, caller: Principal, request: NewOrganizationRequest) -> Columns:
        """Make an organization, which always has a budget row; returns its row.

        Raises DatabaseUnavailable, and BadRequest for an id that is taken and values that cannot be.
        """
        sent = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        actor, organization_id = actor_of(caller), request.organization_id or new_id()
        async with self._records.transaction():
            faults = Faults()
            check_members(faults, sent)
            await check_link(self._records, faults, sent)
            faults.refuse()
            budget_id = await link_budget(self._records, sent, actor)
            permission_id = None
            if request.object_permission is not None:
                permission_id = await self._records.save_permission(None, request.object_permission)
            row = await self._records.organizations.insert(
                {
                    "organization_id": organization_id,
                    "organization_alias": request.organization_alias,
                    "budget_id": budget_id or await self._records.make_budget({}, actor),
                    "models": request.models,
                    "metadata": merge_metadata({}, sent, _METADATA_FIELDS),
                    "object_permission_id": permission_id,
                    "created_by": actor,
                    "updated_by": actor,
                }
            )
            if row is None:
                message = f"Organization already exists. Organization ID: {organization_id}"
                raise BadRequest(message, param="organization_id")
            scope = Scope(ScopeKind.ORGANIZATION, organization_id)
            await self._records.entries.open_balance(scope, row["spend"])
            await self._records.audit.record(caller, created(Audited.ORGANIZATION, organization_id, row))
            await self._records.notices.announce([scope])
            permission = await self._records.permissions.find(permission_id) if permission_id else None
            budget = await self._records.budgets.find(row["budget_id"])
        return {**row, "users": None, "litellm_budget_table": budget, "object_permission": permission}
