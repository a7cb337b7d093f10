"""Lists models to whom may see them: filtered, sorted and paged."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.access.model_access import is_model_allowed
from gateway.access.models import ModelLists
from gateway.catalog.catalog import Catalog
from gateway.catalog.listing import Listing
from gateway.domain import Principal, Role
from gateway.errors import BadRequest
from gateway.inventory.model_info import build_costs, build_info
from gateway.routing.cooldown import Cooldowns

__all__ = ["ModelListing", "ModelQuery"]

_OVERSEERS = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})
_AUTO_ROUTER = "auto_router/"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class ModelQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for; None leaves a member out of account. `search` is a part of a name."""

    model: str | None = None
    model_id: str | None = None
    team_id: str | None = None
    search: str | None = None
    access_group: str | None = None
    is_wildcard_only: bool = False
    has_auto_routers: bool = True
    is_healthy_only: bool = False
    is_own_only: bool = False
    administered_team: str | None = None
    """A team whose own models the caller sees whole, because they administer it."""
    sort_by: str | None = None
    is_descending: bool = False


class ModelListing:
    """The models of one snapshot; asks nobody."""

    def __init__(self, catalog: Catalog, lists: ModelLists, cooldowns: Cooldowns, now_nanos: int) -> None:
        self._catalog = catalog
        self._lists = lists
        self._cooldowns = cooldowns
        self._now_nanos = now_nanos

    def find(self, caller: Principal, query: ModelQuery) -> list[Listing]:
        """The models that the caller may see. Raises BadRequest for a column that cannot be sorted by."""
        found = [one for one in self._visible(caller, query) if self._matches(one, query, caller)]
        if query.sort_by is None:
            return found
        key = _SORTS.get(query.sort_by)
        if key is None:
            message = f"Models cannot be sorted by '{query.sort_by[:100]}'. Allowed: {', '.join(_SORTS)}."
            raise BadRequest(message, param="sortBy", type="bad_request_error")
        return sorted(found, key=lambda one: key(self, one), reverse=query.is_descending)

    def show(
        self, caller: Principal, listings: Iterable[Listing], query: ModelQuery
    ) -> list[dict[str, object]]:
        """The models as they are shown to the caller."""
        shows_all = caller.role in _OVERSEERS
        return [
            build_info(self._catalog, one, self._now_nanos, shows_all=shows_all or _is_theirs(one, query))
            for one in listings
        ]

    def _visible(self, caller: Principal, query: ModelQuery) -> Iterable[Listing]:
        if caller.role in _OVERSEERS:
            return self._catalog.listings()
        return (
            one for one in self._catalog.listings() if _is_theirs(one, query) or self._may_see(caller, one)
        )

    def _may_see(self, caller: Principal, listing: Listing) -> bool:
        if listing.deployment is None or listing.team_id not in (None, caller.team_id):
            return False
        return is_model_allowed(self._lists, caller, listing.public_name, listing.name)

    def _matches(self, listing: Listing, query: ModelQuery, caller: Principal) -> bool:
        tests = (
            query.model is None or query.model in (listing.name, listing.public_name),
            query.model_id is None or query.model_id == listing.id,
            query.team_id is None or query.team_id == listing.team_id,
            query.search is None or _contains(listing, query.search.lower()),
            query.access_group is None or _is_in(listing, query.access_group),
            not query.is_wildcard_only or "*" in listing.name,
            query.has_auto_routers or not _model_of(listing).startswith(_AUTO_ROUTER),
            not query.is_healthy_only or self._is_healthy(listing),
            not query.is_own_only or (listing.row is not None and listing.row.created_by == caller.user_id),
        )
        return all(tests)

    def _is_healthy(self, listing: Listing) -> bool:
        return listing.deployment is not None and not self._cooldowns.is_cooling(listing.id)

    def cost(self, listing: Listing) -> float:
        """The price of a prompt's token, for sorting; without a price nothing."""
        if listing.deployment is None:
            return 0.0
        price = self._catalog.price_of(listing.deployment, self._now_nanos)
        return build_costs(price)["input_cost_per_token"] or 0.0


def _is_theirs(listing: Listing, query: ModelQuery) -> bool:
    """Whether who administers the team wrote the model; the operator's stay the operator's."""
    return listing.is_tenants and listing.team_id is not None and listing.team_id == query.administered_team


def _contains(listing: Listing, text: str) -> bool:
    names = (listing.name, listing.public_name, _model_of(listing), listing.id)
    return any(text in name.lower() for name in names)


def _model_of(listing: Listing) -> str:
    return str(listing.entry.litellm_params.get("model", "")) if listing.entry is not None else ""


def _is_in(listing: Listing, group: str) -> bool:
    return listing.deployment is not None and group in listing.deployment.access_groups


_SORTS: MappingProxyType[str, Callable[[ModelListing, Listing], Any]] = MappingProxyType(
    {
        "model_name": lambda _, one: one.public_name,
        "created_at": lambda _, one: one.row.created_at if one.row is not None else _LONG_AGO,
        "updated_at": lambda _, one: one.row.updated_at if one.row is not None else _LONG_AGO,
        "costs": lambda listing, one: listing.cost(one),
        "status": lambda _, one: one.row is not None,
    }
)
