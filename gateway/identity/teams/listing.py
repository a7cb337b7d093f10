"""Which teams a caller sees in a list, and what of them."""

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from gateway.db.conditions import Conditions
from gateway.db.rows import Columns
from gateway.domain import Principal, Role
from gateway.errors import AuthenticationFailed, PermissionDenied
from gateway.identity.faults import Faults
from gateway.identity.newcomers import NewcomerDefaults
from gateway.identity.numbered_pages import NumberedPage, read_page
from gateway.identity.pages import Listed, Page, cut
from gateway.identity.records import Records
from gateway.identity.rights import members_of, without_secrets
from gateway.identity.teams.listing_store import ALIAS_CONTAINS, IS_MEMBER, LISTED_IN_TEAM, TeamListing
from gateway.identity.teams.response import TeamView

__all__ = ["TeamLists", "TeamQuery"]

_SEE_ALL = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_SORTED_BY = {
    name: f"t.{name}"
    for name in (
        "team_id",
        "team_alias",
        "created_at",
        "updated_at",
        "spend",
        "max_budget",
        "budget_reset_at",
    )
}
_DELETED_SORTED_BY = {**_SORTED_BY, "deleted_at": "t.deleted_at"}
_OFFERED = (
    *("team_id", "team_alias", "organization_id", "models", "max_budget", "budget_duration"),
    *("tpm_limit", "rpm_limit"),
)
"""What strangers see of a team that they may enter: neither members nor spend."""
_MOST_KEYS_EACH = 100
_MOST_KEYS = 1_000
_MOST_MEMBERSHIPS = 10_000


class TeamQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What `/v2/team/list` is asked for; `search` is part of a name, or an id."""

    user_id: str = ""
    organization_id: str = ""
    team_id: str = ""
    team_alias: str = ""
    search: str = ""
    search_team_id_match: Literal["exact", "prefix"] = "exact"
    page: int = 1
    page_size: int = 10
    sort_by: str = ""
    sort_order: str = "asc"
    status: str = ""


class TeamLists:
    """Lists teams on behalf of a caller, never one that is not the caller's to see.

    A proxy_admin and a proxy_admin_viewer see all, others the teams that they are in and those of the
    organizations that they administer, a key without a user its own team. Raises DatabaseUnavailable.
    """

    def __init__(self, records: Records, listing: TeamListing, newcomers: NewcomerDefaults) -> None:
        self._records = records
        self._listing = listing
        self._newcomers = newcomers
        self._view = TeamView(records)

    async def all(self, caller: Principal, query: TeamQuery, page: Page) -> Listed:
        """A page of the teams with keys and memberships, in the order of their ids.

        Raises AuthenticationFailed for somebody else's teams.
        """
        conditions = await self._visible(caller, query)
        conditions.add_given("t.team_id > {}", page.after or None)
        numbered = NumberedPage(number=1, size=page.most + 1, order="t.team_id")
        found = cut(await self._listing.read(conditions, numbered), page, "team_id")
        return Listed(rows=await self._with_belongings(found.rows), next=found.next)

    async def _with_belongings(self, rows: list[Columns]) -> list[Columns]:
        teams = await self._view.rows(rows)
        ids = [team["team_id"] for team in teams]
        users = sorted(
            {member["user_id"] for team in teams for member in members_of(team) if member.get("user_id")}
        )
        memberships = _by_team(await self._listing.list_memberships(users, ids, _MOST_MEMBERSHIPS))
        keys = _by_team(await self._listing.list_keys(ids, _MOST_KEYS_EACH, _MOST_KEYS))
        return [
            {
                **team,
                "team_memberships": memberships.get(team["team_id"], []),
                "keys": [without_secrets(key) for key in keys.get(team["team_id"], [])],
            }
            for team in teams
        ]

    async def page(self, caller: Principal, query: TeamQuery) -> Columns:
        """One page of the teams that match, each with the number of its members and keys.

        Raises BadRequest for a page, order or status that there is not, AuthenticationFailed for somebody
        else's teams, PermissionDenied for deleted teams that the caller did not administer.
        """
        are_deleted = _read_status(query.status)
        columns = _DELETED_SORTED_BY if are_deleted else _SORTED_BY
        key = "t.id" if are_deleted else "t.team_id"
        page = read_page(query.page, query.page_size, query.sort_by or None, query.sort_order, columns, key)
        conditions = await self._visible(caller, query)
        _narrow(conditions, query)
        total = await self._listing.count(conditions, are_deleted=are_deleted)
        teams = await self._listing.read(conditions, page, are_deleted=are_deleted) if total else []
        shown = await self._view.rows(teams)
        counts = {} if are_deleted else await self._listing.count_keys([team["team_id"] for team in teams])
        return page.show("teams", [_with_counts(team, counts) for team in shown], total)

    async def choices(self, caller: Principal, query: TeamQuery) -> list[Columns]:
        """Ids and names to choose from; raises as `page`."""
        page = read_page(query.page, query.page_size, None, None, _SORTED_BY, "t.team_id")
        conditions = await self._visible(caller, query)
        _narrow(conditions, query)
        teams = await self._listing.read(conditions, page)
        return [{"team_id": team["team_id"], "team_alias": team["team_alias"]} for team in teams]

    async def joinable(self, caller: Principal) -> list[Columns]:
        """What teams that are open to everybody have to offer; without those that the caller is in."""
        teams = await self._records.teams.find_any(sorted(self._newcomers.joinable_teams))
        return [
            {name: team[name] for name in _OFFERED}
            for team in teams
            if caller.user_id not in {member.get("user_id") for member in members_of(team)}
        ]

    async def _visible(self, caller: Principal, query: TeamQuery) -> Conditions:
        """What the caller may see of what is asked for by user and organization."""
        conditions, are_deleted = Conditions(), query.status == "deleted"
        is_member = LISTED_IN_TEAM if are_deleted else IS_MEMBER
        conditions.add_given("t.organization_id = {}", query.organization_id or None)
        if caller.role in _SEE_ALL:
            return conditions.add_given(is_member, query.user_id or None)
        administered = await self._records.organizations.list_administered(caller.user_id)
        if query.organization_id in administered:
            return conditions.add_given(is_member, query.user_id or None)
        if are_deleted:
            raise PermissionDenied("Name an organization that you administer.", param="organization_id")
        if caller.user_id is None:
            return _of_key(conditions, caller, query)
        if query.user_id not in ("", caller.user_id):
            raise AuthenticationFailed("Only admin users can query the teams of others.", param="user_id")
        if not query.user_id and administered:
            organized = f"t.organization_id = ANY ({conditions.put(administered)}::text[])"
            return conditions.add(f"({is_member} OR {organized})", caller.user_id)
        return conditions.add(is_member, caller.user_id)


def _of_key(conditions: Conditions, caller: Principal, query: TeamQuery) -> Conditions:
    """A key of nobody sees the team that it belongs to."""
    if caller.team_id is None or query.user_id:
        raise AuthenticationFailed("Only admin users can query all teams.", param="user_id")
    return conditions.add("t.team_id = {}", caller.team_id)


def _narrow(conditions: Conditions, query: TeamQuery) -> None:
    conditions.add_given("t.team_id = {}", query.team_id or None)
    conditions.add_given(ALIAS_CONTAINS, query.team_alias or None)
    if query.search:
        by_id = "starts_with(t.team_id, {})" if query.search_team_id_match == "prefix" else "t.team_id = {}"
        conditions.add(f"({ALIAS_CONTAINS} OR {by_id})", query.search)


def _read_status(status: str) -> bool:
    faults = Faults()
    if status not in ("", "active", "deleted"):
        faults.add("status", "must be deleted, or left out.")
    faults.refuse()
    return status == "deleted"


def _by_team(rows: list[Columns]) -> dict[str, list[Columns]]:
    found: dict[str, list[Columns]] = {}
    for row in rows:
        found.setdefault(row["team_id"], []).append(row)
    return found


def _with_counts(team: Mapping[str, Any], keys: Mapping[str, int]) -> Columns:
    return {**team, "members_count": len(members_of(team)), "keys_count": keys.get(team["team_id"], 0)}
