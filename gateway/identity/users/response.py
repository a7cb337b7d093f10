"""What the user routes answer."""

from collections.abc import Mapping
from typing import Any

from gateway.db.rows import Columns, Rows
from gateway.db.tables.keys import VerificationToken
from gateway.identity.records import Records
from gateway.identity.rights import without_secrets
from gateway.identity.teams.response import TeamView

__all__ = ["UserView"]

_MOST = 1_000


class UserView:
    """Reads what belongs to a user and shows it, at most a thousand keys and teams.

    Raises DatabaseUnavailable.
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._keys = Rows(VerificationToken)
        self._teams = TeamView(records)

    async def one(self, user: Mapping[str, Any]) -> Columns:
        """The answer to `/user/info` about one user."""
        user_id = user["user_id"]
        keys = await self._keys.find_all("user_id", user_id, _MOST)
        permission_id = user["object_permission_id"]
        permission = await self._records.permissions.find(permission_id) if permission_id else None
        return {
            "user_id": user_id,
            "user_info": {**without_secrets(user), "object_permission": permission},
            "keys": await self._with_team(keys),
            "teams": await self._teams_of(user_id),
        }

    async def everything(self) -> Columns:
        """The answer to a proxy_admin who names nobody."""
        keys = await self._keys.list_first(_MOST)
        teams = await self._records.teams.list_first(_MOST)
        return {
            "user_id": None,
            "user_info": None,
            "keys": await self._with_team(keys),
            "teams": await self._teams.rows(teams),
        }

    async def _with_team(self, keys: list[Columns]) -> list[Columns]:
        ids = sorted({key["team_id"] for key in keys if key["team_id"]})
        teams = {row["team_id"]: row for row in await self._records.teams.find_any(ids)}
        return [
            {**without_secrets(key), "team_alias": teams.get(key["team_id"], {}).get("team_alias")}
            for key in keys
        ]

    async def _teams_of(self, user_id: str) -> list[Columns]:
        ids = await self._records.teams.list_of_user(user_id, _MOST)
        teams = await self._records.teams.find_any(ids)
        memberships = await self._teams.memberships_of(teams, [user_id])
        return [
            {**shown, "team_memberships": memberships[shown["team_id"]]}
            for shown in await self._teams.rows(teams)
        ]
