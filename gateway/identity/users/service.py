"""The rules of making, changing and showing internal users."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.audit.changes import Audited, created, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Role, Scope, ScopeKind
from gateway.errors import Conflict, NotFound, PermissionDenied
from gateway.identity.faults import Faults
from gateway.identity.keys.rules import Covers
from gateway.identity.keys.service import KeyService
from gateway.identity.newcomers import NewcomerDefaults
from gateway.identity.records import Records
from gateway.identity.rights import actor_of, check_is_no_viewer, refuse_role, without_secrets
from gateway.identity.teams.entering import TeamEntering
from gateway.identity.teams.rules import check_within
from gateway.identity.users.first_key import NO_KEY, build_key_request, show_key
from gateway.identity.users.key_matters import note_key_matters, refuse_password
from gateway.identity.users.record import build_columns
from gateway.identity.users.request import NewUserRequest, UserTeam
from gateway.identity.users.response import UserView
from gateway.identity.users.rules import check_new_fields, check_own_fields
from gateway.identity.values import check_members, check_text
from gateway.ids import new_id

__all__ = ["UserService"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


class UserService:
    """Internal users on behalf of a caller; every change is one transaction that announces itself.

    All methods raise DatabaseUnavailable, BadRequest for values that cannot be, AuthenticationFailed and
    PermissionDenied for what is not the caller's to do.
    """

    def __init__(
        self,
        records: Records,
        keys: KeyService,
        covers: Covers,
        newcomers: NewcomerDefaults,
    ) -> None:
        self._records = records
        self._keys = keys
        self._entering = TeamEntering(records)
        self._covers = covers
        self._newcomers = newcomers
        self._view = UserView(records)

    async def create(self, caller: Principal, request: NewUserRequest) -> Columns:
        """Make a user, its memberships, and a first key unless that is not wanted.

        Raises Conflict for an id or an address that is taken, ValidationFailed for a password.
        """
        sent = {name: value for name, value in msgspec.structs.asdict(request).items() if value is not None}
        refuse_password(sent)
        async with self._records.transaction():
            await self._check_may_create(caller, sent)
            await self._check_new_values(caller, sent)
            user_id = request.user_id or new_id()
            await self._insert(caller, user_id, self._newcomers.fill_user(sent))
            role = request.user_role or "internal_user"
            await self._records.organizations.join(user_id, request.organizations or (), role)
            await self._entering.enter(caller, user_id, _named(request.teams or ()))
            # What an organization's administrator may give has been checked; the rest is the operator's.
            operator = msgspec.structs.replace(caller, role=Role.PROXY_ADMIN)
            await self._entering.enter(operator, user_id, _named(self._newcomers.teams_of(sent)))
            made = NO_KEY
            if request.auto_create_key is not False:
                key = build_key_request(caller, user_id, request, sent)
                made = await self._keys.generate(operator, key)
            user = await self._records.users.find(user_id) or {}
        return show_key(request, made, without_secrets(user))

    async def update(self, caller: Principal, sent: Mapping[str, Any]) -> Columns:
        """Change what was sent of a user, named by id or else by address; null clears.

        A user who is not there is made for a proxy_admin, and NotFound for others. Raises ValidationFailed
        for a password.
        """
        check_is_no_viewer(caller)
        refuse_password(sent)
        async with self._records.transaction():
            user_id = await self._target(sent)
            row = await self._records.users.lock(user_id)
            if not caller.is_admin:
                if caller.user_id is None or user_id != caller.user_id or row is None:
                    raise PermissionDenied("You can only change yourself.", param="user_id")
                check_own_fields(sent, row)
            self._check_values(sent)
            await self._check_address(sent, user_id)
            if row is None:
                row = await self._insert(caller, user_id, {**sent, "user_id": user_id})
            else:
                row = await self._change(caller, row, sent)
        return {"user_id": user_id, "data": without_secrets(row)}

    async def info(self, caller: Principal, user_id: str | None) -> Columns:
        """Show a user, the caller by default, with its keys and teams; without a user to a proxy_admin all.

        Raises NotFound, and PermissionDenied for somebody else.
        """
        sees_all = caller.role in _SEE_ALL
        if user_id is None and caller.is_admin:
            return await self._view.everything()
        wanted = user_id or caller.user_id
        if wanted is None or (wanted != caller.user_id and not sees_all):
            raise PermissionDenied("You can only see yourself.", param="user_id")
        row = await self._records.users.find(wanted)
        if row is None:
            raise NotFound(f"User {wanted} not found", param="user_id")
        return await self._view.one(row)

    async def find_address(self, user_id: str) -> str | None:
        """The e-mail address of a user; None where there is none, or no such user."""
        row = await self._records.users.find(user_id)
        return None if row is None else row["user_email"]

    async def _insert(self, caller: Principal, user_id: str, sent: Mapping[str, Any]) -> Columns:
        columns = {"user_role": "internal_user", **build_columns(self._records, sent, {}), "user_id": user_id}
        columns |= await self._records.change_permission(caller, None, sent)
        row = await self._records.users.insert(columns)
        if row is None:
            raise Conflict(f"User with user_id={user_id} already exists.", param="user_id")
        scope = Scope(ScopeKind.USER, user_id)
        await self._records.entries.open_balance(scope, row["spend"])
        await self._records.audit.record(caller, created(Audited.USER, user_id, row))
        await self._records.notices.announce([scope])
        return row

    async def _change(self, caller: Principal, row: Columns, sent: Mapping[str, Any]) -> Columns:
        columns = build_columns(self._records, sent, row["metadata"] or {})
        columns |= await self._records.change_permission(caller, row["object_permission_id"], sent)
        changed = await self._records.users.update(row["user_id"], columns) if columns else row
        scope = Scope(ScopeKind.USER, row["user_id"])
        if "spend" in columns:
            actor = actor_of(caller)
            await self._records.entries.correct(scope, row["spend"], columns["spend"], actor)
        if changed["object_permission_id"] != row["object_permission_id"]:
            await self._records.permissions.drop_unused([row["object_permission_id"]])
        await self._records.audit.record(caller, updated(Audited.USER, row["user_id"], row, changed))
        await self._records.notices.announce([scope])
        return changed

    async def _target(self, sent: Mapping[str, Any]) -> str:
        """The id of the user to change; a new one for an address that nobody has."""
        faults = Faults()
        user_id, email = sent.get("user_id"), sent.get("user_email")
        if user_id:
            return str(user_id)
        if not email:
            faults.add("user_id", "Name the user to change, or its user_email.")
            faults.refuse()
        known = await self._records.users.list_with_email(str(email))
        if len(known) > 1:
            faults.add("user_email", "several users have this address. Name one by user_id.")
            faults.refuse()
        return known[0] if known else new_id()

    async def _check_may_create(self, caller: Principal, sent: Mapping[str, Any]) -> None:
        if caller.is_admin:
            return
        check_is_no_viewer(caller)
        organizations: list[str] = sent.get("organizations") or []
        administered = await self._records.organizations.list_administered(caller.user_id)
        if not organizations or not set(organizations) <= set(administered):
            raise refuse_role(caller, "/user/new")
        check_new_fields(sent)

    async def _check_new_values(self, caller: Principal, sent: Mapping[str, Any]) -> None:
        faults = Faults()
        check_members(faults, sent)
        for index, team in enumerate(sent.get("teams") or []):
            check_text(faults, f"teams[{index}]", team if isinstance(team, str) else team.team_id)
        await self._check_organizations(caller, faults, sent)
        faults.refuse()
        await self._check_address(sent, None)

    async def _check_organizations(self, caller: Principal, faults: Faults, sent: Mapping[str, Any]) -> None:
        """Note organizations that are not there, and what goes beyond those of who is no proxy_admin."""
        named: list[str] = sent.get("organizations") or []
        rows = await self._records.organizations.find_any(named)
        known = {row["organization_id"] for row in rows}
        for organization_id in named:
            if organization_id not in known:
                faults.add("organizations", f"Organization not found. Organization ID: {organization_id}")
        if caller.is_admin:
            return
        budgets = await self._records.budgets.find_any([row["budget_id"] for row in rows])
        limits = {budget["budget_id"]: budget for budget in budgets}
        for row in rows:
            bounds = {**limits.get(row["budget_id"], {}), "models": row["models"]}
            check_within(faults, "organization", bounds, sent, self._covers)

    def _check_values(self, sent: Mapping[str, Any]) -> None:
        faults = Faults()
        check_members(faults, sent)
        note_key_matters(faults, sent)
        faults.refuse()

    async def _check_address(self, sent: Mapping[str, Any], user_id: str | None) -> None:
        """An address and an id of the identity provider are one user's; raises Conflict."""
        email, sso_id = sent.get("user_email"), sent.get("sso_user_id")
        if email and [
            other for other in await self._records.users.list_with_email(email) if other != user_id
        ]:
            raise Conflict(f"User with user_email={email} already exists.", param="user_email")
        if sso_id and await self._records.users.find_sso_owner(sso_id) not in (None, user_id):
            raise Conflict(f"User with sso_user_id={sso_id} already exists.", param="sso_user_id")


def _named(teams: Sequence[str | UserTeam]) -> list[UserTeam]:
    return [UserTeam(team_id=team) if isinstance(team, str) else team for team in teams]
