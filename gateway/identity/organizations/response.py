"""Organizations as they are shown: with their budgets, their members and their teams."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.db.rows import Columns
from gateway.identity.linked_rows import with_links
from gateway.identity.organizations.members_store import MemberRecords
from gateway.identity.records import Records
from gateway.identity.rights import KNOWN_TO_ALL, members_of, without_secrets

__all__ = ["EVERYTHING", "OrganizationView", "Sight"]


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """Who looks: what of organizations that it does not administer is shown is the user's own.

    `administered` is None for somebody who sees everything. `most` bounds members and teams of each one.
    """

    user_id: str | None = None
    administered: frozenset[str] | None = None
    most: int = 1_000


EVERYTHING = Sight()


class OrganizationView:
    """Reads what belongs to organizations, in as many statements for many as for one.

    Raises DatabaseUnavailable.
    """

    def __init__(self, records: Records, members: MemberRecords) -> None:
        self._records = records
        self._members = members

    async def show(self, rows: Sequence[Columns], sight: Sight) -> list[Columns]:
        """The rows, each with its budget, permission, members and teams."""
        ids = [row["organization_id"] for row in rows]
        seen = ids if sight.administered is None else [one for one in ids if one in sight.administered]
        members = await self._members.list_members(ids, seen, sight.user_id, sight.most)
        teams = await self._members.list_teams(ids, seen, sight.user_id, sight.most)
        by_members = _by_organization(await self.members(members, sight))
        by_teams = _by_organization([{**team, "members_with_roles": members_of(team)} for team in teams])
        return [
            {
                **row,
                "users": None,
                "members": by_members.get(row["organization_id"], []),
                "teams": by_teams.get(row["organization_id"], []),
            }
            for row in await with_links(self._records, rows)
        ]

    async def members(self, memberships: Sequence[Mapping[str, Any]], sight: Sight) -> list[Columns]:
        """Memberships with their users and budgets."""
        users = {row["user_id"]: row for row in await self.users(memberships, sight)}
        budget_ids = sorted({item["budget_id"] for item in memberships if item["budget_id"]})
        budgets = {row["budget_id"]: row for row in await self._records.budgets.find_any(budget_ids)}
        return [
            {
                **{name: _aware(value) for name, value in item.items()},
                "user": users.get(item["user_id"]),
                "user_email": (users.get(item["user_id"]) or {}).get("user_email"),
                "litellm_budget_table": budgets.get(item["budget_id"]),
            }
            for item in memberships
        ]

    async def users(self, memberships: Sequence[Mapping[str, Any]], sight: Sight) -> list[Columns]:
        """The users of memberships; who does not see everything is not told what they are elsewhere."""
        user_ids = sorted({item["user_id"] for item in memberships})
        rows = await self._records.users.find_any(user_ids)
        if sight.administered is None:
            return [without_secrets(row) for row in rows]
        return [{name: row[name] for name in KNOWN_TO_ALL} for row in rows]


def _by_organization(rows: Sequence[Columns]) -> dict[str, list[Columns]]:
    found: dict[str, list[Columns]] = {}
    for row in rows:
        found.setdefault(row["organization_id"], []).append(row)
    return found


def _aware(value: object) -> object:
    return value.replace(tzinfo=UTC) if isinstance(value, datetime) else value
