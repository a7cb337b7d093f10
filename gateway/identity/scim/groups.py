"""Teams as the directory's groups."""

from collections.abc import Sequence
from typing import Any, TypeVar

from gateway.db.entities import GATEWAY_USER_ID
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import Conflict, NotFound
from gateway.identity.named_ids import MOST_NAMED
from gateway.identity.records import Records
from gateway.identity.rights import members_of
from gateway.identity.scim.attributes import GROUP, GROUP_URN, Document
from gateway.identity.scim.documents import external_id_of, group_document
from gateway.identity.scim.filters import parse_filter
from gateway.identity.scim.paging import page_of
from gateway.identity.scim.patching import patch
from gateway.identity.scim.permits import acting
from gateway.identity.scim.refusals import InvalidValue
from gateway.identity.scim.request import GroupResource, ListQuery, PatchOperation, to_resource
from gateway.identity.scim.response import ResourceView, Selection, list_response
from gateway.identity.scim.store import GROUPS, Directory
from gateway.identity.teams.leaving import TeamLeaving
from gateway.identity.teams.member_request import MemberRef
from gateway.identity.teams.removal import TeamRemoval
from gateway.identity.teams.request import AddMembersRequest, Member, NewTeamRequest
from gateway.identity.teams.service import TeamService

__all__ = ["ScimGroups"]

T = TypeVar("T")


class ScimGroups:
    """Teams on behalf of who may provision; every change is one transaction that announces itself.

    Raises NotFound, Conflict for names and external ids that are taken, BadRequest for values that cannot be,
    DatabaseUnavailable.
    """

    def __init__(
        self,
        records: Records,
        directory: Directory,
        teams: TeamService,
        leaving: TeamLeaving,
        removal: TeamRemoval,
    ) -> None:
        self._records = records
        self._directory = directory
        self._teams = teams
        self._leaving = leaving
        self._removal = removal
        self._view = ResourceView(directory)

    async def list_page(self, query: ListQuery, selection: Selection) -> Document:
        """One page of the groups that a filter matches, by id."""
        wanted = parse_filter(query.filter, GROUP_URN) if query.filter else ()
        start, size = page_of(query)
        total, rows = await self._directory.list_page(GROUPS, wanted, start - 1, size)
        return list_response(total, start, [self._view.group(row, selection) for row in rows])

    async def find(self, team_id: str, selection: Selection) -> Document:
        """One group."""
        return self._view.group(await self._get(team_id), selection)

    async def create(self, caller: Principal, resource: GroupResource, selection: Selection) -> Document:
        """Make a team of these members, who are users already."""
        metadata: dict[str, object] | None = (
            {"scim_metadata": {"externalId": resource.external_id}} if resource.external_id else None
        )
        async with self._records.transaction():
            await self._check_is_free(resource.display_name, resource.external_id, "")
            request = NewTeamRequest(team_alias=resource.display_name, metadata=metadata)
            team = await self._teams.create(acting(caller), request)
            await self._write_members(caller, team, resource)
            return await self.find(team["team_id"], selection)

    async def replace(
        self, caller: Principal, team_id: str, resource: GroupResource, selection: Selection
    ) -> Document:
        """Write a group anew; without `members` they stay, as their keys go with them."""
        async with self._records.transaction():
            return await self._write(caller, await self._hold(team_id), resource, selection)

    async def patch(
        self, caller: Principal, team_id: str, operations: Sequence[PatchOperation], selection: Selection
    ) -> Document:
        """Do operations upon a group, all or none. Raises the refusals of `patching.patch`."""
        async with self._records.transaction():
            team = await self._hold(team_id)
            resource = to_resource(patch(group_document(team), operations, GROUP), GroupResource)
            return await self._write(caller, team, resource, selection)

    async def delete(self, caller: Principal, team_id: str) -> None:
        """Delete a team with its keys and memberships."""
        await self._removal.delete(acting(caller), [team_id])

    async def _write(
        self, caller: Principal, team: Columns, resource: GroupResource, selection: Selection
    ) -> Document:
        team_id = team["team_id"]
        await self._write_members(caller, team, resource)
        changes: dict[str, Any] = {}
        external_id = resource.external_id or None
        if resource.display_name != (team["team_alias"] or team_id):
            changes["team_alias"] = resource.display_name
        if external_id != external_id_of(team):
            changes["metadata"] = {"scim_metadata": {"externalId": external_id}}
        if changes:
            taken = external_id if "metadata" in changes else None
            await self._check_is_free(changes.get("team_alias"), taken, team_id)
            await self._teams.patch(acting(caller), team_id, changes)
        return await self.find(team_id, selection)

    async def _write_members(self, caller: Principal, team: Columns, resource: GroupResource) -> None:
        """Let the members be those of the resource; roles in the team stay."""
        if resource.members is None:
            return
        operator, team_id = acting(caller), team["team_id"]
        present = {str(entry["user_id"]) for entry in members_of(team) if entry.get("user_id")}
        wanted = list(dict.fromkeys(member.value for member in resource.members))
        entering = [user_id for user_id in wanted if user_id not in present]
        await self._check_are_users(entering)
        leaving = sorted(present - set(wanted))
        for refs in _chunks([MemberRef(user_id=user_id) for user_id in leaving]):
            await self._leaving.remove_many(operator, team_id, refs)
        for members in _chunks([Member(user_id=user_id) for user_id in entering]):
            await self._teams.add_members(operator, AddMembersRequest(team_id=team_id, member=members))

    async def _check_are_users(self, user_ids: list[str]) -> None:
        known = await self._records.users.list_known(user_ids) - {GATEWAY_USER_ID}
        unknown = sorted(set(user_ids) - known)
        if unknown:
            message = f"members: there is no user {unknown[0][:200]}. Provision users before their groups."
            raise InvalidValue(message, param="members")

    async def _check_is_free(self, display_name: str | None, external_id: str | None, but: str) -> None:
        await self._directory.hold_names(display_name, external_id)
        if await self._directory.find_group_like(display_name, external_id, but) is not None:
            message = f"There is another group with the displayName {display_name} or the same externalId."
            raise Conflict(message, param="displayName")

    async def _hold(self, team_id: str) -> Columns:
        """The row, which no other request of a directory changes meanwhile.

        The row itself is not locked: services lock keys and users before it.
        """
        await self._directory.hold_names(team_id)
        return await self._get(team_id)

    async def _get(self, team_id: str) -> Columns:
        team = await self._records.teams.find(team_id)
        if team is None:
            raise NotFound(f"Group {team_id} not found", param="group_id")
        return team


def _chunks(items: list[T]) -> list[list[T]]:
    """The items as lists of so many as one change may name."""
    return [items[start : start + MOST_NAMED] for start in range(0, len(items), MOST_NAMED)]
