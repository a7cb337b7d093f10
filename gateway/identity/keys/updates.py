"""The rules of changing virtual keys."""

from collections.abc import Mapping
from typing import Any

from gateway.audit.changes import Audited, updated
from gateway.db.engine import Database
from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import VerificationToken
from gateway.domain import Principal, Scope, ScopeKind
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.access_groups_store import Assigned
from gateway.identity.budgets.linking import make_own_budget
from gateway.identity.credentials import hash_of
from gateway.identity.faults import Faults
from gateway.identity.keys.changes import build_changes
from gateway.identity.keys.defaults import KeyDefaults
from gateway.identity.keys.owners import KeyOwners, not_permitted
from gateway.identity.keys.response import build_info, status_of
from gateway.identity.keys.rules import Covers, UserBounds
from gateway.identity.keys.store import KeyRecords
from gateway.identity.keys.update_rules import Hold, check_changed_fields
from gateway.identity.keys.values import check_changes, refuse
from gateway.identity.records import Records
from gateway.identity.rights import actor_of, check_is_no_viewer

__all__ = ["KeyUpdates"]

_UPDATE = "/key/update"


class KeyUpdates:
    """Changes keys on behalf of a caller; each change is one transaction that announces itself.

    Raises DatabaseUnavailable.
    """

    def __init__(
        self,
        database: Database,
        records: Records,
        defaults: KeyDefaults,
        covers: Covers,
        owners: KeyOwners,
    ) -> None:
        self._records = records
        self._owners = owners
        self._rows = Rows(VerificationToken)
        self._keys = KeyRecords(database)
        self._defaults = defaults
        self._covers = covers

    async def update(self, caller: Principal, sent: Mapping[str, Any]) -> Columns:
        """Change what was sent of a key and return its row.

        Raises NotFound, BadRequest naming every value that cannot be, and PermissionDenied or
        AuthenticationFailed for what is not the caller's.
        """
        check_is_no_viewer(caller)
        async with self._records.transaction():
            changed = await self.change(caller, sent, await self._lock(sent))
            info = build_info(changed, status_of(changed, self._records.now()), None, None)
        return {"key": sent.get("key") or changed["token"], "token": changed["token"], **info}

    async def change(self, caller: Principal, sent: Mapping[str, Any], row: Columns) -> Columns:
        """Change a row that this transaction has locked, and return it; raises as `update`."""
        self._defaults.check(sent)
        if not caller.is_admin:
            await self._check_rights(caller, sent, row)
        check_changes(sent, row)
        alias = sent.get("key_alias")
        if alias and alias != row["key_alias"] and await self._keys.is_alias_taken(alias):
            message = f"Key with alias '{alias}' already exists. Aliases are unique across all keys."
            raise BadRequest(message, param="key_alias", type="bad_request_error")
        await self._check_references(sent, row)
        return await self._write(caller, sent, row)

    async def _write(self, caller: Principal, sent: Mapping[str, Any], row: Columns) -> Columns:
        token, actor = row["token"], actor_of(caller)
        columns = build_changes(self._records, sent, row)
        if sent.get("object_permission") is not None:
            columns["object_permission_id"] = await self._records.save_permission(
                caller, row["object_permission_id"], sent["object_permission"]
            )
        if sent.get("soft_budget") is not None:
            columns["budget_id"] = await self._save_soft_budget(row, sent["soft_budget"], caller)
        now = self._records.now()
        columns |= {"updated_at": now, "updated_by": caller.user_id, "settings_updated_at": now}
        changed = await self._rows.update(token, columns)
        scope = Scope(ScopeKind.KEY, token)
        if "spend" in columns:
            await self._records.entries.correct(scope, row["spend"], columns["spend"], actor)
        if "access_group_ids" in sent:
            groups: list[str] = sent["access_group_ids"] or []
            await self._records.access_groups.assign(Assigned.KEYS, token, groups)
        await self._records.audit.record(caller, updated(Audited.KEY, token, row, changed))
        await self._records.notices.announce([scope])
        return changed

    async def _lock(self, sent: Mapping[str, Any]) -> Columns:
        """The row of the key that is named by itself, else by its alias."""
        key, alias = sent.get("key"), sent.get("key_alias")
        if not key and not alias:
            raise refuse("key", "Name the key to change, or its key_alias.")
        if key:
            row = await self._rows.lock(hash_of(key))
        else:
            row = await self._find_by_alias(str(alias))
        if row is None:
            raise NotFound("Key not found in the database.", param="key")
        return row

    async def _find_by_alias(self, alias: str) -> Columns | None:
        found = await self._rows.find_all("key_alias", alias, 2)
        if len(found) > 1:
            raise refuse("key_alias", "several keys have this alias. Name one by its key.")
        return await self._rows.lock(found[0]["token"]) if found else None

    async def _check_rights(self, caller: Principal, sent: Mapping[str, Any], row: Columns) -> None:
        """Raise unless the caller made the key and owns it still, or administers its team or organization."""
        bounds, team_id = UserBounds(), row["team_id"]
        standing = await self._owners.standing_in(team_id, caller)
        if standing.is_admin or await self._owners.administers_organization(caller, row):
            hold = Hold.TEAM_ADMIN
            if sent.get("user_id") and sent["user_id"] not in standing.members | {row["user_id"]}:
                raise PermissionDenied("That user is not a member of the key's team.", param="user_id")
            if sent.get("user_id") != row["user_id"]:
                await self._owners.check_may_act_for(caller, sent.get("user_id"))
        elif caller.user_id is None or not caller.user_id == row["user_id"] == row["created_by"]:
            raise PermissionDenied("You are not allowed to change this key.", param="key")
        else:
            hold = Hold.MAKER if row["updated_by"] == caller.user_id else Hold.OWNER
            if team_id is None:
                bounds = await self._keys.find_user_bounds(caller.user_id)
            elif _UPDATE not in standing.permissions:
                raise not_permitted(_UPDATE)
        check_changed_fields(caller, hold, bounds, sent, row, self._covers)

    async def _check_references(self, sent: Mapping[str, Any], row: Columns) -> None:
        """What the new owners must be: there, and fitting each other."""
        faults = Faults()
        organization, budget = sent.get("organization_id"), sent.get("budget_id")
        if organization and not await self._records.organizations.hold(organization):
            faults.add("organization_id", f"Organization not found. Organization ID: {organization}")
        if budget and not await self._records.budgets.hold(budget):
            faults.add("budget_id", f"Budget not found. Budget ID: {budget}")
        offered = sent.get("end_user_budget_id")
        if offered and not await self._records.budgets.hold(offered):
            faults.add("end_user_budget_id", f"Budget not found. Budget ID: {offered}")
        for group in await self._records.access_groups.list_unknown(sent.get("access_group_ids") or []):
            faults.add("access_group_ids", f"Access group not found. Access group ID: {group}")
        await self._check_team(faults, sent, row)
        faults.refuse()
        project_id = sent.get("project_id")
        project = await self._records.projects.find(project_id) if project_id else None
        if project_id and project is None:
            raise NotFound(f"Project not found. Project ID: {project_id}", param="project_id")
        team_id = sent.get("team_id", row["team_id"])
        if project is not None and project["team_id"] is not None and team_id != project["team_id"]:
            raise refuse("project_id", f"Project {project_id} belongs to another team.")

    async def _check_team(self, faults: Faults, sent: Mapping[str, Any], row: Columns) -> None:
        """A key moves to a team that is there, and of which its user is a member."""
        team_id, user_id = sent.get("team_id"), sent.get("user_id", row["user_id"])
        if not team_id or team_id == row["team_id"]:
            return
        standing = await self._keys.find_team_standing(team_id, user_id)
        if standing is None:
            faults.add("team_id", f"Unable to find team object in database. Team ID: {team_id}")
        elif user_id and not standing.is_member:
            faults.add("team_id", f"User={user_id} not assigned to team={team_id}.")

    async def _save_soft_budget(self, row: Columns, soft_budget: float, caller: Principal) -> str:
        """Put the warning into the key's budget row, or into a new one; a shared row is left alone."""
        budget_id = row["budget_id"]
        if budget_id is None:
            return await make_own_budget(self._records, caller, {"soft_budget": soft_budget})
        if len(await self._records.budgets.list_owners(budget_id, 2)) > 1:
            raise refuse("soft_budget", f"the key shares the budget {budget_id}. Change that one.")
        stored = await self._records.budgets.lock(budget_id) or {}
        change = {"soft_budget": soft_budget}
        changed = await self._records.change_budget(budget_id, change, actor_of(caller))
        await self._records.audit.record(caller, updated(Audited.BUDGET, budget_id, stored, changed))
        return budget_id
