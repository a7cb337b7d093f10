"""The routes that show models."""

from typing import Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal, Role
from gateway.errors import BadRequest
from gateway.inventory.model_groups import build_groups
from gateway.inventory.model_listing import ModelListing, ModelQuery
from gateway.inventory.services import Inventory
from gateway.manage.model_hub import public_names
from gateway.manage.query import QueryReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_LARGEST_PAGE = 1_000
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]
_OVERSEERS = frozenset({Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER})


class _InfoQuery(msgspec.Struct, frozen=True, kw_only=True):
    litellm_model_id: str | None = None
    team_id: str | None = msgspec.field(default=None, name="teamId")
    healthy_only: bool | None = None
    include_team_models: bool | None = None


class _PagedQuery(msgspec.Struct, frozen=True, kw_only=True):
    model: str | None = None
    user_models_only: bool | None = None
    include_team_models: bool | None = None
    page: int = 1
    size: int = 50
    search: str | None = None
    model_id: str | None = msgspec.field(default=None, name="modelId")
    team_id: str | None = msgspec.field(default=None, name="teamId")
    sort_by: str | None = msgspec.field(default=None, name="sortBy")
    sort_order: str | None = msgspec.field(default=None, name="sortOrder")
    access_group: str | None = None
    wildcard_only: bool | None = None
    exclude_auto_routers: bool | None = None
    debug: bool | None = None


_INFO = QueryReader(_InfoQuery)
_PAGED = QueryReader(_PagedQuery)


@get(
    ["/model/info", "/v1/model/info"],
    opt={
        "rule": RouteRule(
            name="/model/info",
            permit=allow(Resource.MODEL, Action.READ, Party.CALLER),
            allows_any_key=True,
            query=_InfoQuery,
        )
    },
)
async def show_models(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> dict[str, object]:
    """Show the models that the caller may use, one of them by its id; to an administrator all."""
    asked = _INFO.read(request)
    query = ModelQuery(
        model_id=asked.litellm_model_id,
        team_id=asked.team_id,
        is_healthy_only=bool(asked.healthy_only),
        administered_team=await _administered(caller, inventory, asked.team_id),
    )
    listing = _listing(gateway)
    found = listing.find(caller, query)
    if asked.litellm_model_id is not None and not found:
        message = f"There is no model with the id '{asked.litellm_model_id[:200]}'."
        raise BadRequest(message, param="litellm_model_id", type="bad_request_error")
    return {"data": listing.show(caller, found, query)}


@get(
    "/v2/model/info",
    opt={
        "rule": RouteRule(
            name="/v2/model/info",
            permit=allow(Resource.MODEL, Action.READ, Party.CALLER),
            allows_any_key=True,
            query=_PagedQuery,
        )
    },
)
async def page_models(
    request: _Request, caller: _Caller, gateway: _Gateway, inventory: _Inventory
) -> dict[str, object]:
    """Show a page of the models that the caller may use, filtered and sorted."""
    asked = _PAGED.read(request)
    if asked.page < 1 or not 1 <= asked.size <= _LARGEST_PAGE:
        message = f"page begins at 1, and size is between 1 and {_LARGEST_PAGE}."
        raise BadRequest(message, param="page" if asked.page < 1 else "size", type="bad_request_error")
    if asked.sort_order not in (None, "asc", "desc"):
        raise BadRequest("sortOrder is asc or desc.", param="sortOrder", type="bad_request_error")
    listing = _listing(gateway)
    query = ModelQuery(
        model=asked.model,
        model_id=asked.model_id,
        team_id=asked.team_id,
        search=asked.search,
        access_group=asked.access_group,
        is_wildcard_only=bool(asked.wildcard_only),
        has_auto_routers=not asked.exclude_auto_routers,
        is_own_only=bool(asked.user_models_only),
        administered_team=await _administered(caller, inventory, asked.team_id),
        sort_by=asked.sort_by,
        is_descending=asked.sort_order == "desc",
    )
    found = listing.find(caller, query)
    first = (asked.page - 1) * asked.size
    page = found[first : first + asked.size]
    data = listing.show(caller, page, query)
    if asked.debug and caller.role in _OVERSEERS:
        for one, shown in zip(page, data, strict=True):
            client = None if one.deployment is None else type(gateway.client_for(one.deployment)).__name__
            shown["openai_client"] = client
    return {
        "data": data,
        "total_count": len(found),
        "current_page": asked.page,
        "total_pages": -(-len(found) // asked.size),
        "size": asked.size,
    }


@get(
    "/model_group/info",
    opt={
        "rule": RouteRule(
            name="/model_group/info",
            permit=allow(Resource.MODEL, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def show_groups(
    caller: _Caller, gateway: _Gateway, model_group: FromQuery[str | None] = None
) -> dict[str, object]:
    """Show what the models of each name have together."""
    found = _listing(gateway).find(caller, ModelQuery(model=model_group))
    now_nanos = gateway.clock.now_nanos()
    return {"data": build_groups(gateway.snapshot.catalog, found, now_nanos, public_names(gateway))}


async def _administered(caller: Principal, inventory: Inventory, team_id: str | None) -> str | None:
    """The team that is asked for, if the caller administers it; administrators of the gateway ask nobody."""
    if team_id is None or caller.role in _OVERSEERS:
        return None
    return team_id if await inventory.teams.administers(caller, team_id) else None


def _listing(gateway: Gateway) -> ModelListing:
    snapshot = gateway.snapshot
    now_nanos = gateway.clock.now_nanos()
    return ModelListing(snapshot.catalog, snapshot.model_lists, snapshot.router.cooldowns, now_nanos)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_models, page_models, show_groups)
