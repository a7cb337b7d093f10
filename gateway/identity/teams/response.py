"""What the team routes answer."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gateway.db.rows import Columns
from gateway.identity.records import Records
from gateway.identity.rights import KNOWN_TO_ALL, members_of, without_secrets
from gateway.identity.teams.secrets import shown_metadata
from gateway.identity.teams.standing import default_budget_of

__all__ = ["MOST_KEYS", "TeamView", "source_of"]

MOST_KEYS = 1_000
"""Keys that `/team/info` shows at most."""

_decode = msgspec.json.Decoder().decode


class TeamView:
    """Reads what belongs to a team's row and shows it. Raises DatabaseUnavailable."""

    def __init__(self, records: Records) -> None:
        self._records = records

    async def row(self, team: Mapping[str, Any]) -> Columns:
        """The row, with its model aliases and its object permission."""
        return (await self.rows([team]))[0]

    async def rows(self, teams: Sequence[Mapping[str, Any]]) -> list[Columns]:
        """The same for several rows, in two statements at most."""
        permission_ids = sorted({team["object_permission_id"] for team in teams} - {None})
        permissions = {
            row["object_permission_id"]: row
            for row in await self._records.permissions.find_any(permission_ids)
        }
        aliases = await self._records.teams.find_aliases([team["model_id"] for team in teams])
        return [
            {
                **team,
                "metadata": shown_metadata(team["metadata"]),
                "members_with_roles": members_of(team),
                "litellm_model_table": _model_table(team["model_id"], aliases),
                "object_permission": permissions.get(team["object_permission_id"]),
            }
            for team in teams
        ]

    async def info(self, team: Mapping[str, Any], *, may_edit: bool, key_limit: int) -> Columns:
        """The answer to `/team/info`."""
        default_id = default_budget_of(team)
        default = await self._records.budgets.find(default_id) if default_id else None
        shown = await self.row(team)
        keys = await self._records.teams.list_keys(team["team_id"], key_limit)
        opened = await self._records.access_groups.find_opened(team["access_group_ids"] or ())
        return {
            "team_id": team["team_id"],
            "team_info": {
                **shown,
                "members_with_roles": await self._with_aliases(shown["members_with_roles"]),
                "team_member_budget_table": default,
                **{f"access_group_{name}": names for name, names in opened.items()},
                "caller_edit_access": may_edit,
            },
            "keys": [without_secrets(key) for key in keys],
            "team_memberships": await self.memberships(team),
        }

    async def added(self, team: Mapping[str, Any], user_ids: list[str], *, sees_all: bool) -> Columns:
        """The answer to `/team/member_add`; without `sees_all`, not what the users are elsewhere."""
        users = await self._records.users.find_any(user_ids)
        if not sees_all:
            users = [{name: user[name] for name in KNOWN_TO_ALL} for user in users]
        return {
            **await self.row(team),
            "updated_users": [without_secrets(user) for user in users],
            "updated_team_memberships": await self.memberships(team, user_ids),
        }

    async def memberships(self, team: Mapping[str, Any], users: list[str] | None = None) -> list[Columns]:
        """The memberships of a team, with their budgets and where these come from."""
        return (await self.memberships_of([team], users))[team["team_id"]]

    async def memberships_of(
        self, teams: Sequence[Mapping[str, Any]], users: list[str] | None = None
    ) -> dict[str, list[Columns]]:
        """The same for several teams by their ids, in two statements at most."""
        if not teams:
            return {}
        defaults = {team["team_id"]: default_budget_of(team) for team in teams}
        found = await self._records.teams.list_memberships(list(defaults), users)
        ids = sorted({item["budget_id"] for item in found if item["budget_id"]})
        budgets = {row["budget_id"]: row for row in await self._records.budgets.find_any(ids)}
        shown: dict[str, list[Columns]] = {team_id: [] for team_id in defaults}
        for item in found:
            shown[item["team_id"]].append(
                {
                    **item,
                    "litellm_budget_table": budgets.get(item["budget_id"]),
                    "budget_source": source_of(item["budget_id"], defaults[item["team_id"]]),
                }
            )
        return shown

    async def _with_aliases(self, members: list[Columns]) -> list[Columns]:
        ids = sorted({str(member["user_id"]) for member in members if member.get("user_id")})
        users = {row["user_id"]: row for row in await self._records.users.find_any(ids)}
        return [
            {**member, "user_alias": (users.get(member.get("user_id")) or {}).get("user_alias")}
            for member in members
        ]


def _model_table(model_id: int | None, aliases: Mapping[int, str]) -> Columns | None:
    if model_id is None:
        return None
    return {"id": model_id, "model_aliases": _decode(aliases.get(model_id) or "{}")}


def source_of(budget_id: str | None, default_id: str | None) -> str | None:
    """Where the limits of a member come from: `team_default`, `member`, or nowhere."""
    if budget_id is None:
        return None
    return "team_default" if budget_id == default_id else "member"
