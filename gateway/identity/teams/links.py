"""The rows that a team refers to, and those that refer to it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.audit.changes import Audited, updated
from gateway.db.rows import Columns
from gateway.domain import Principal, Scope, ScopeKind
from gateway.identity.access_groups_store import Assigned
from gateway.identity.budgets.linking import make_own_budget
from gateway.identity.records import Records
from gateway.identity.rights import actor_of
from gateway.identity.teams.record import build_columns, member_budget
from gateway.identity.teams.secrets import TeamSecrets

__all__ = ["TeamLinks", "team_scope"]

_encode = msgspec.json.Encoder().encode


def team_scope(team_id: str) -> Scope:
    """The team as a scope."""
    return Scope(ScopeKind.TEAM, team_id)


class TeamLinks:
    """Keeps both sides of a team's links, in the transaction of the change. Raises DatabaseUnavailable."""

    def __init__(self, records: Records, secrets: TeamSecrets) -> None:
        self._records = records
        self._secrets = secrets

    async def build(self, caller: Principal, sent: Mapping[str, Any], team: Columns | None) -> Columns:
        """The team's columns, with the permission, aliases and member budget that they refer to saved."""
        actor = actor_of(caller)
        values = build_columns(self._records, sent, team or {})
        stored: Mapping[str, object] = (team["metadata"] if team else None) or {}
        if sent.get("object_permission") is not None:
            permission_id = team["object_permission_id"] if team else None
            permission = sent["object_permission"]
            values["object_permission_id"] = await self._records.save_permission(
                caller, permission_id, permission
            )
        if "model_aliases" in sent:
            aliases = _encode(sent["model_aliases"] or {}).decode()
            model_id = team["model_id"] if team else None
            values["model_id"] = await self._records.teams.save_aliases(model_id, aliases, actor)
        budget = member_budget(sent)
        if budget:
            metadata = dict(values.get("metadata", stored))
            metadata["team_member_budget_id"] = await self._save_member_budget(metadata, budget, caller, team)
            values["metadata"] = metadata
        if "metadata" in values:
            values["metadata"] = self._secrets.close(values["metadata"], stored)
        return values

    async def finish(self, team: Columns, user_ids: Sequence[str], sent: Mapping[str, Any]) -> None:
        """Enter the team in its access groups, and tell every worker that it and these users changed."""
        if "access_group_ids" in sent:
            groups: list[str] = sent["access_group_ids"] or []
            await self._records.access_groups.assign(Assigned.TEAMS, team["team_id"], groups)
        users = [Scope(ScopeKind.USER, user_id) for user_id in user_ids]
        await self._records.notices.announce_many([team_scope(team["team_id"]), *users])

    async def _save_member_budget(
        self,
        metadata: Mapping[str, object],
        budget: Mapping[str, object],
        caller: Principal,
        team: Columns | None,
    ) -> str:
        """Change the row that the team's members share, or make it and give it to those who have none."""
        known = metadata.get("team_member_budget_id")
        stored = await self._records.budgets.lock(known) if isinstance(known, str) else None
        if isinstance(known, str) and stored is not None:
            changed = await self._records.change_budget(known, budget, actor_of(caller))
            await self._records.audit.record(caller, updated(Audited.BUDGET, known, stored, changed))
            return known
        made = await make_own_budget(self._records, caller, budget)
        if team is not None:
            await self._records.teams.link_members(team["team_id"], made)
        return made
