"""The rules of making, changing, showing and blocking teams."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.audit.changes import Action, Audited, Change, created, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Role
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.faults import Faults
from gateway.identity.keys.rules import Covers
from gateway.identity.metadata import merge_patch
from gateway.identity.newcomers import NewcomerDefaults
from gateway.identity.records import Records
from gateway.identity.rights import Level, check_is_no_viewer, members_of, party_of, refuse_role
from gateway.identity.teams.bounds import TeamBounds
from gateway.identity.teams.enrolment import Enrolment, already_in_team, check_members_named
from gateway.identity.teams.links import TeamLinks, team_scope
from gateway.identity.teams.permits import BLOCK_TEAM, CHANGE_MEMBERS, CHANGE_TEAM
from gateway.identity.teams.request import AddMembersRequest, Member, NewTeamRequest
from gateway.identity.teams.response import MOST_KEYS, TeamView
from gateway.identity.teams.rules import check_fields
from gateway.identity.teams.secrets import TeamSecrets
from gateway.identity.teams.standing import default_budget_of, find_level
from gateway.identity.users.arrivals import Arrivals
from gateway.identity.values import check_members
from gateway.ids import new_id

__all__ = ["TeamService"]


class TeamService:
    """Teams on behalf of a caller; every change is one transaction that announces itself.

    All methods raise DatabaseUnavailable, BadRequest for values that cannot be, AuthenticationFailed and
    PermissionDenied for what is not the caller's to do. `covers` says whether a list of models covers a name.
    """

    def __init__(
        self,
        records: Records,
        arrivals: Arrivals,
        covers: Covers,
        newcomers: NewcomerDefaults,
        secrets: TeamSecrets,
    ) -> None:
        self._records = records
        self._enrolment = Enrolment(records, arrivals)
        self._bounds = TeamBounds(records, covers)
        self._links = TeamLinks(records, secrets)
        self._secrets = secrets
        self._view = TeamView(records)
        self._covers = covers
        self._newcomers = newcomers

    async def create(self, caller: Principal, request: NewTeamRequest) -> Columns:
        """Make a team; its maker becomes its administrator. Returns the row."""
        sent = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        members = _named_members(caller, request)
        team_id = request.team_id or new_id()
        async with self._records.transaction():
            await self._check_may_create(caller, sent)
            sent = self._newcomers.fill_team(sent)
            await self._bounds.check_new(caller, sent, members)
            values = await self._links.build(caller, sent, None)
            entries = await self._enrolment.resolve(members, caller)
            values |= {"team_id": team_id, "members_with_roles": entries}
            team = await self._records.teams.insert(values)
            if team is None:
                message = f"Team id = {team_id} already exists. Please use a different team id."
                raise BadRequest(message, param="team_id", type="bad_request_error")
            await self._records.entries.open_balance(team_scope(team_id), team["spend"])
            await self._enrolment.enter(team_id, entries, default_budget_of(team), {}, caller)
            await self._links.finish(team, [entry["user_id"] for entry in entries], sent)
            await self._records.audit.record(caller, created(Audited.TEAM, team_id, team))
            return await self._view.row(team)

    async def update(self, caller: Principal, team_id: str, sent: Mapping[str, Any]) -> Columns:
        """Change what was sent, null clearing it. Raises NotFound."""
        async with self._records.transaction():
            team = await self._lock(team_id)
            sent = self._secrets.restore(sent, team["metadata"])
            level = await find_level(self._records, caller, team)
            if not CHANGE_TEAM.admits(party_of(level)):
                raise PermissionDenied("Only admins of the team can change it.", param="team_id")
            check_fields(level, sent, team, self._covers)
            await self._check_move(caller, level, team, sent)
            await self._bounds.check_change(sent, {**team, **sent})
            values = await self._links.build(caller, sent, team)
            changed = await self._records.teams.update(team_id, values) if values else team
            await self._links.finish(changed, [], sent)
            await self._records.audit.record(caller, updated(Audited.TEAM, team_id, team, changed))
            return {"team_id": team_id, "data": await self._view.row(changed)}

    async def patch(self, caller: Principal, team_id: str, sent: Mapping[str, Any]) -> Columns:
        """Change what was sent and return the row; `metadata` is merged into what is stored, null removing.

        Raises NotFound, and BadRequest for a body that names another team.
        """
        if sent.get("team_id") not in (None, team_id):
            message = "team_id: The body names another team than the path."
            raise BadRequest(message, param="team_id", type="bad_request_error")
        async with self._records.transaction():
            team = await self._lock(team_id)
            changes = {**sent, "team_id": team_id}
            if sent.get("metadata") is not None:
                changes["metadata"] = merge_patch(team["metadata"] or {}, sent["metadata"])
            return (await self.update(caller, team_id, changes))["data"]

    async def info(self, caller: Principal, team_id: str, key_limit: int | None = None) -> Columns:
        """Show a team, its keys and memberships, to members, admins and the team's own keys.

        Raises NotFound.
        """
        team = await self._records.teams.find(team_id)
        if team is None:
            raise NotFound(_not_found(team_id).message, param="team_id", type="auth_error")
        level = await find_level(self._records, caller, team)
        may_see = caller.role is Role.PROXY_ADMIN_VIEWER or caller.team_id == team_id
        if level is Level.NONE and not may_see:
            raise PermissionDenied("You are not allowed to see this team.", param="team_id")
        most = MOST_KEYS if key_limit is None else min(MOST_KEYS, max(0, key_limit))
        return await self._view.info(team, may_edit=level >= Level.TEAM_ADMIN, key_limit=most)

    async def find_permission(self, team_id: str) -> Columns:
        """The object permission of a team, empty without one, for who may see every team. Raises NotFound."""
        team = await self._records.teams.find(team_id)
        if team is None:
            raise NotFound(_not_found(team_id).message, param="team_id", type="auth_error")
        permission_id = team["object_permission_id"]
        return (await self._records.permissions.find(permission_id) if permission_id else None) or {}

    async def set_blocked(self, caller: Principal, team_id: str, *, is_blocked: bool) -> Columns:
        """Block or unblock a team and with it all its keys; returns the row. Raises NotFound."""
        async with self._records.transaction():
            team = await self._lock(team_id)
            if not BLOCK_TEAM.admits(party_of(await find_level(self._records, caller, team))):
                raise refuse_role(caller, "/team/block" if is_blocked else "/team/unblock")
            changed = await self._records.teams.update(team_id, {"blocked": is_blocked})
            await self._records.notices.announce([team_scope(team_id)])
            action = Action.BLOCKED if is_blocked else Action.UNBLOCKED
            await self._records.audit.record(caller, Change(action, Audited.TEAM, team_id, team, changed))
            return await self._view.row(changed)

    async def add_members(self, caller: Principal, request: AddMembersRequest) -> Columns:
        """Add members, all or none; returns the row, their users and memberships. Raises NotFound."""
        members = request.member if isinstance(request.member, list) else [request.member]
        faults = Faults()
        check_members(faults, msgspec.structs.asdict(request))
        check_members_named(faults, "member", members)
        faults.refuse()
        async with self._records.transaction():
            await self._check_may_add(caller, await self._records.teams.find(request.team_id), request)
            entries = await self._enrolment.resolve(members, caller)
            team = await self._lock(request.team_id)
            await self._check_may_add(caller, team, request)
            present = members_of(team)
            _check_are_new(entries, present)
            budget, default = _own_budget(request), default_budget_of(team)
            await self._enrolment.enter(team["team_id"], entries, default, budget, caller)
            everybody = {"members_with_roles": [*present, *entries]}
            changed = await self._records.teams.update(team["team_id"], everybody)
            user_ids = [entry["user_id"] for entry in entries]
            await self._links.finish(changed, user_ids, {})
            await self._records.audit.record(caller, updated(Audited.TEAM, team["team_id"], team, changed))
            return await self._view.added(changed, user_ids, sees_all=caller.is_admin)

    async def _check_may_add(
        self, caller: Principal, team: Columns | None, request: AddMembersRequest
    ) -> None:
        if team is None:
            raise _not_found(request.team_id)
        if self._enters_itself(caller, request):
            return
        if not CHANGE_MEMBERS.admits(party_of(await find_level(self._records, caller, team))):
            raise PermissionDenied("Only admins of the team can add members.", param="team_id")

    def _enters_itself(self, caller: Principal, request: AddMembersRequest) -> bool:
        """Whether somebody enters, with nothing but a user's rights, a team that is open to all."""
        if request.team_id not in self._newcomers.joinable_teams or caller.user_id is None:
            return False
        check_is_no_viewer(caller)
        return request.member == Member(user_id=caller.user_id) and not _own_budget(request)

    async def _lock(self, team_id: str) -> Columns:
        team = await self._records.teams.lock(team_id)
        if team is None:
            raise _not_found(team_id)
        return team

    async def _check_may_create(self, caller: Principal, sent: Mapping[str, Any]) -> None:
        if caller.is_admin:
            return
        check_is_no_viewer(caller)
        organization = sent.get("organization_id")
        if not await self._records.organizations.is_administered_by(organization, caller.user_id):
            raise refuse_role(caller, "/team/new")
        check_fields(Level.ORGANIZATION_ADMIN, sent, None, self._covers)

    async def _check_move(
        self, caller: Principal, level: Level, team: Mapping[str, Any], sent: Mapping[str, Any]
    ) -> None:
        """An organization's administrator moves teams among the organizations that it administers."""
        wanted = sent.get("organization_id")
        if level is Level.PROXY_ADMIN or not wanted or wanted == team["organization_id"]:
            return
        if not await self._records.organizations.is_administered_by(wanted, caller.user_id):
            raise PermissionDenied("You do not administer that organization.", param="organization_id")


def _named_members(caller: Principal, request: NewTeamRequest) -> list[Member]:
    """Everybody whom the request names, and its sender as an administrator."""
    named = list(request.members_with_roles or ())
    named += [Member(user_id=user_id, role="admin") for user_id in request.admins or ()]
    named += [Member(user_id=user_id) for user_id in request.members or ()]
    if caller.user_id is not None and caller.user_id not in {member.user_id for member in named}:
        named.append(Member(user_id=caller.user_id, role="admin"))
    return named


def _own_budget(request: AddMembersRequest) -> dict[str, object]:
    budget = {
        "max_budget": request.max_budget_in_team,
        "budget_duration": request.budget_duration,
        "allowed_models": request.allowed_models,
    }
    return {name: value for name, value in budget.items() if value is not None}


def _check_are_new(entries: list[dict[str, Any]], present: list[dict[str, Any]]) -> None:
    known = {member.get("user_id") for member in present}
    for entry in entries:
        if entry["user_id"] in known:
            raise already_in_team(str(entry["user_email"] or entry["user_id"]))


def _not_found(team_id: str) -> NotFound:
    return NotFound(f"Team not found, passed team_id={team_id}", param="team_id")
