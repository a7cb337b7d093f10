"""The rules of who is in an organization, what for, and with which budget of its own."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created, deleted, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.budgets.linking import check_relink, make_own_budgets, relink_budget
from gateway.identity.faults import Faults
from gateway.identity.organizations.members_store import MemberRecords
from gateway.identity.organizations.request import (
    AddOrganizationMembersRequest,
    DeleteOrganizationMemberRequest,
    OrganizationMember,
    UpdateOrganizationMemberRequest,
)
from gateway.identity.organizations.response import EVERYTHING, OrganizationView, Sight
from gateway.identity.records import Records
from gateway.identity.rights import check_is_no_viewer
from gateway.identity.users.arrivals import Arrivals
from gateway.identity.values import check_members, check_text

__all__ = ["OrganizationMembers"]

_MOST_MEMBERS = 500
_BUDGET = "max_budget_in_organization"


class OrganizationMembers:
    """Members of organizations on behalf of proxy admins and who administers the organization.

    Every change is one transaction that announces itself. All methods raise DatabaseUnavailable, NotFound
    for the organization, PermissionDenied, BadRequest for values that cannot be.
    """

    def __init__(
        self, records: Records, members: MemberRecords, view: OrganizationView, arrivals: Arrivals
    ) -> None:
        self._records = records
        self._members = members
        self._view = view
        self._arrivals = arrivals

    async def add(self, caller: Principal, request: AddOrganizationMembersRequest) -> Columns:
        """Add members, all or none, making users whom there is not; returns users and memberships."""
        named = request.member if isinstance(request.member, list) else [request.member]
        faults = Faults()
        check_members(faults, msgspec.structs.asdict(request))
        _check_named(faults, named)
        faults.refuse()
        organization_id = request.organization_id
        async with self._records.transaction():
            sight = await self._check_may(caller, organization_id)
            found = await self._arrivals.resolve(named, caller)
            roles = {user_id: member.role for user_id, member in zip(found, named, strict=True)}
            if request.max_budget_in_organization is not None:
                _check_is_not_own(caller, roles)
            users = sorted(roles)
            await self._records.users.lock_all(users)
            await self._hold(organization_id)
            budgets = await self._make_budgets(caller, request, len(users))
            entering = [(user, roles[user], budget) for user, budget in zip(users, budgets, strict=True)]
            entered = await self._records.organizations.enter(organization_id, entering)
            if len(entered) < len(users):
                raise _already_in(min(set(users) - entered))
            rows = await self._members.list_some(organization_id, users)
            changes = [created(Audited.ORGANIZATION_MEMBER, _id_of(row), row) for row in rows]
            await self._records.audit.record(caller, *changes)
            await self._announce(rows)
            return {
                "organization_id": organization_id,
                "updated_users": await self._view.users(rows, sight),
                "updated_organization_memberships": await self._view.members(rows, sight),
            }

    async def update(
        self, caller: Principal, request: UpdateOrganizationMemberRequest, sent: Mapping[str, Any]
    ) -> Columns:
        """Change a member's role or budget, null taking the budget away; returns the membership."""
        async with self._records.transaction():
            sight = await self._check_may(caller, request.organization_id)
            user_id = await self._find_user(request)
            if _BUDGET in sent:
                _check_is_not_own(caller, [user_id])
            row = await self._lock(request.organization_id, user_id)
            limits = {"max_budget": sent[_BUDGET]} if _BUDGET in sent else {}
            faults = Faults()
            check_members(faults, {_BUDGET: sent.get(_BUDGET)})
            budget = await check_relink(self._records, faults, limits, row["budget_id"])
            faults.refuse()
            linked = await relink_budget(self._records, caller, limits, budget, None)
            budget_id = linked.get("budget_id", row["budget_id"])
            role = request.role or row["user_role"]
            changed = await self._members.change(request.organization_id, user_id, role, budget_id)
            change = updated(Audited.ORGANIZATION_MEMBER, _id_of(row), row, changed)
            await self._records.audit.record(caller, change)
            await self._announce([row])
            [shown] = await self._view.members([changed], sight)
            return shown

    async def remove(self, caller: Principal, request: DeleteOrganizationMemberRequest) -> Columns:
        """End a membership, and the budget that was its alone; returns its last state."""
        async with self._records.transaction():
            sight = await self._check_may(caller, request.organization_id)
            row = await self._lock(request.organization_id, await self._find_user(request))
            [shown] = await self._view.members([row], sight)
            await self._members.drop(request.organization_id, row["user_id"])
            await self._records.budgets.drop_unused([row["budget_id"]])
            change = deleted(Audited.ORGANIZATION_MEMBER, _id_of(row), row)
            await self._records.audit.record(caller, change)
            await self._announce([row])
            return shown

    async def _check_may(self, caller: Principal, organization_id: str) -> Sight:
        check_is_no_viewer(caller)
        if caller.is_admin:
            if await self._records.organizations.find(organization_id) is None:
                raise _no_organization(organization_id)
            return EVERYTHING
        if not await self._records.organizations.is_administered_by(organization_id, caller.user_id):
            message = "Only administrators of the organization change who is in it."
            raise PermissionDenied(message, param="organization_id")
        return Sight(user_id=caller.user_id, administered=frozenset({organization_id}))

    async def _hold(self, organization_id: str) -> None:
        if not await self._records.organizations.hold(organization_id):
            raise _no_organization(organization_id)

    async def _make_budgets(
        self, caller: Principal, request: AddOrganizationMembersRequest, count: int
    ) -> Sequence[str | None]:
        """A budget row for each of so many members, if the request has limits."""
        if request.max_budget_in_organization is None:
            return [None] * count
        return await make_own_budgets(
            self._records, caller, {"max_budget": request.max_budget_in_organization}, count
        )

    async def _find_user(self, request: DeleteOrganizationMemberRequest) -> str:
        if request.user_id is not None:
            return request.user_id
        if not request.user_email:
            faults = Faults()
            faults.add("user_id", "Name the member, by user_id or user_email.")
            faults.refuse()
        email = request.user_email or ""
        known = await self._records.users.list_with_email(email)
        if len(known) > 1:
            raise _ambiguous(email)
        if not known:
            raise NotFound(f"User with user_email={email} not found in the organization.", param="user_email")
        return known[0]

    async def _lock(self, organization_id: str, user_id: str) -> Columns:
        row = await self._members.lock(organization_id, user_id)
        if row is None:
            message = f"User {user_id} is not a member of organization {organization_id}."
            raise NotFound(message, param="user_id")
        return row

    async def _announce(self, rows: Sequence[Columns]) -> None:
        kind = ScopeKind.ORGANIZATION_MEMBER
        members = [Scope(kind, _id_of(row)) for row in rows]
        users = [Scope(ScopeKind.USER, row["user_id"]) for row in rows]
        await self._records.notices.announce_many([*members, *users])


def _check_is_not_own(caller: Principal, users: Collection[str]) -> None:
    if not caller.is_admin and caller.user_id in users:
        raise PermissionDenied("Nobody sets a budget of their own.", param=_BUDGET)


def _id_of(row: Mapping[str, Any]) -> str:
    return f"{row['user_id']}:{row['organization_id']}"


def _check_named(faults: Faults, members: Sequence[OrganizationMember]) -> None:
    if not 1 <= len(members) <= _MOST_MEMBERS:
        faults.add("member", f"must have between 1 and {_MOST_MEMBERS} entries. Received: {len(members)}")
        return
    for index, member in enumerate(members):
        name = member.user_id if member.user_id is not None else member.user_email
        if name is None:
            faults.add(f"member[{index}]", "needs a user_id or a user_email.")
        else:
            check_text(faults, f"member[{index}]", name)


def _already_in(user_id: str) -> BadRequest:
    message = f"User {user_id} is already in the organization. Add the others."
    return BadRequest(message, param="member", type="bad_request_error")


def _ambiguous(email: str) -> BadRequest:
    message = f"user_email: several users have the address {email}. Name one by user_id."
    return BadRequest(message, param="user_email", type="bad_request_error")


def _no_organization(organization_id: str) -> NotFound:
    message = f"Organization not found. Organization ID: {organization_id}"
    return NotFound(message, param="organization_id")
