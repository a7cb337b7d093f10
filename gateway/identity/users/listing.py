"""Which users a caller sees in a list, and what of them."""

from typing import Any

from gateway.db.conditions import Conditions
from gateway.db.entities import GATEWAY_USER_ID
from gateway.db.rows import Columns
from gateway.domain import Principal
from gateway.errors import BadRequest, NotFound, PermissionDenied
from gateway.identity.keys.usage import build_usage
from gateway.identity.numbered_pages import read_page
from gateway.identity.records import Records
from gateway.identity.rights import without_secrets
from gateway.identity.users.list_request import UserChoiceQuery, UserListQuery
from gateway.identity.users.listing_store import IN_ORGANIZATIONS, UserListing
from gateway.identity.users.sight import UserSight

__all__ = ["UserLists"]

_SORTED_BY = {
    name: f"t.{name}"
    for name in (
        *("user_id", "user_email", "user_alias", "user_role", "created_at", "updated_at", "spend"),
        *("max_budget", "budget_reset_at"),
    )
}
_SHOWN = (
    *("user_id", "user_email", "user_alias", "user_role", "spend", "max_budget", "tpm_limit", "rpm_limit"),
    *("models", "budget_duration", "budget_reset_at", "metadata", "created_at", "updated_at", "sso_user_id"),
    *("teams", "model_max_budget"),
)
_PART = "strpos(lower(t.{name}), lower({{}}::text)) > 0"
_ID, _EMAIL, _ALIAS = (_PART.format(name=name) for name in ("user_id", "user_email", "user_alias"))


class UserLists:
    """Lists users on behalf of a caller, never one that is not the caller's to see.

    Raises DatabaseUnavailable.
    """

    def __init__(self, records: Records, listing: UserListing) -> None:
        self._records = records
        self._listing = listing
        self._sight = UserSight(records, listing)

    async def page(self, caller: Principal, query: UserListQuery) -> Columns:
        """One page of the users that match, each with the number of its keys.

        Raises BadRequest for a page or order that there is not, PermissionDenied for who administers nobody.
        """
        sort_by, order = query.sort_by or None, query.sort_order
        page = read_page(query.page, query.page_size, sort_by, order, _SORTED_BY, "t.user_id")
        conditions = Conditions()
        await self._sight.restrict(caller, conditions, query.team or None)
        _narrow(conditions, query)
        total = await self._listing.count(conditions)
        users = await self._listing.read(conditions, page) if total else []
        counts = await self._listing.count_keys([user["user_id"] for user in users])
        shown = [{**without_secrets(user), "key_count": counts.get(user["user_id"], 0)} for user in users]
        return page.show("users", shown, total)

    async def choices(self, caller: Principal, query: UserChoiceQuery) -> list[Columns]:
        """Ids and addresses to choose from; raises as `page`."""
        page = read_page(query.page, query.page_size, None, None, _SORTED_BY, "t.user_id")
        conditions = Conditions()
        await self._sight.restrict(caller, conditions, query.team_id or None)
        conditions.add_given(_ID, query.user_id or None)
        conditions.add_given(_EMAIL, query.user_email or None)
        conditions.add_given(f"({_ID} OR {_EMAIL})", query.search or None)
        return await self._listing.list_names(conditions, page)

    async def one(self, caller: Principal, user_id: str | None) -> Columns:
        """The answer to `/v2/user/info` about a user, the caller by default.

        Raises BadRequest when there is nobody to show, PermissionDenied for who is not the caller's to see,
        NotFound.
        """
        wanted = user_id or caller.user_id
        if wanted is None:
            message = "user_id: Name the user to show; the key belongs to nobody."
            raise BadRequest(message, param="user_id", type="bad_request_error")
        if not await self._sight.sees(caller, wanted):
            raise PermissionDenied("You may not see this user.", param="user_id")
        row = await self._records.users.find(wanted)
        if row is None:
            raise NotFound(f"User {wanted} not found", param="user_id")
        return await self._shown(row)

    async def first_ids(self, most: int) -> list[str]:
        """The ids of the first users, for an administrator who means all of them; not the gateway's row."""
        users = await self._records.users.list_first(most + 1)
        return [user["user_id"] for user in users if user["user_id"] != GATEWAY_USER_ID][:most]

    async def counts(self, caller: Principal) -> dict[str, Any]:
        """How many users and teams there are that the caller may list; nothing bounds their number."""
        organizations = await self._sight.organizations(caller)
        users = await self._listing.count(Conditions().add_given(IN_ORGANIZATIONS, organizations))
        return {
            "total_users": None,
            "total_teams": None,
            "total_users_used": users,
            "total_teams_used": await self._listing.count_teams(organizations),
            "total_teams_remaining": None,
            "total_users_remaining": None,
        }

    async def _shown(self, row: Columns) -> Columns:
        permission_id = row["object_permission_id"]
        permission = await self._records.permissions.find(permission_id) if permission_id else None
        usage: dict[str, object] = {}
        if row["model_max_budget"]:
            usage = build_usage(row, await self._listing.list_meters(row["user_id"]))
        shown = {name: row[name] for name in _SHOWN}
        return {**shown, "object_permission": permission, "model_max_budget_usage": {}, **usage}


def _narrow(conditions: Conditions, query: UserListQuery) -> None:
    conditions.add_given("t.user_role = {}", query.role or None)
    conditions.add_given(_EMAIL, query.user_email or None)
    conditions.add_given(f"({_ID} OR {_EMAIL} OR {_ALIAS})", query.search or None)
    for template, text in (
        ("t.user_id = ANY ({}::text[])", query.user_ids),
        ("t.sso_user_id = ANY ({}::text[])", query.sso_user_ids),
        (IN_ORGANIZATIONS, query.organization_ids),
    ):
        names = [name.strip() for name in text.split(",") if name.strip()]
        conditions.add_given(template, names or None)
