"""Which models the caller may name."""

from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import BadRequest, NotFound
from gateway.http.model_list import ListQuery, anthropic_list, describe, list_groups, list_names, may_name
from gateway.inventory.services import Inventory
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_RULE = RouteRule(
    name="/v1/models", permit=allow(Resource.MODEL, Action.READ, Party.CALLER), allows_any_key=True
)
_ANTHROPIC = "anthropic-version"
_EXPAND = "expand"
# Litestar keeps the bare name for itself.
_Scope = Annotated[str | None, QueryParameter(name="scope")]
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Inventory = NamedDependency[Inventory]


@get(["/v1/models", "/models"], opt={"rule": _RULE})
async def list_models(
    request: _Request,
    gateway: _Gateway,
    caller: _Caller,
    inventory: _Inventory,
    *,
    return_wildcard_routes: FromQuery[bool] = False,
    team_id: FromQuery[str | None] = None,
    include_model_access_groups: FromQuery[bool] = False,
    only_model_access_groups: FromQuery[bool] = False,
    include_metadata: FromQuery[bool] = False,
    fallback_type: FromQuery[str | None] = None,
    healthy_only: FromQuery[bool] = False,
    asked_scope: _Scope = None,
    client_version: FromQuery[str | None] = None,  # noqa: ARG001  the contract's; every version gets the same
) -> dict[str, object]:
    """List the models that the caller may name; in Anthropic's shape for Anthropic's clients."""
    query = ListQuery(
        has_wildcards=return_wildcard_routes,
        has_metadata=include_metadata,
        is_healthy_only=healthy_only,
        fallback_type=fallback_type,
    )
    callers = await _as_team(inventory, caller, team_id)
    if await _is_expanded(inventory, caller, asked_scope):
        callers = (*callers, msgspec.structs.replace(caller, grants=()))
    names = list_names(gateway.snapshot, callers, query)
    if include_model_access_groups or only_model_access_groups:
        groups = list_groups(gateway.snapshot, callers, names)
        names = groups if only_model_access_groups else [*names, *(one for one in groups if one not in names)]
    if request.headers.get(_ANTHROPIC):
        return anthropic_list(names)
    settings = gateway.snapshot.settings.router
    return {"object": "list", "data": [describe(name, settings, query) for name in names]}


@get(["/v1/models/{model_id:path}", "/models/{model_id:path}"], opt={"rule": _RULE})
async def get_model(
    gateway: _Gateway,
    caller: _Caller,
    inventory: _Inventory,
    model_id: FromPath[str],
    *,
    team_id: FromQuery[str | None] = None,
    healthy_only: FromQuery[bool] = False,
) -> dict[str, object]:
    """Show one model; raises NotFound for one that is unknown or that the caller may not use."""
    name = model_id.lstrip("/")
    callers = await _as_team(inventory, caller, team_id)
    if not may_name(gateway.snapshot, callers, name, is_healthy_only=healthy_only):
        raise NotFound(
            f"The model '{name[:200]}' does not exist or is not available for this key.", param="model"
        )
    return describe(name, gateway.snapshot.settings.router, ListQuery())


async def _is_expanded(inventory: Inventory, caller: Principal, scope: str | None) -> bool:
    """Whether an administrator asks for every name that the gateway serves. Raises BadRequest."""
    if not scope:
        return False
    if scope != _EXPAND:
        message = f"scope: '{scope[:100]}' is no scope. Allowed: {_EXPAND}."
        raise BadRequest(message, param="scope", type="bad_request_error")
    return await inventory.teams.administers_any(caller)


async def _as_team(inventory: Inventory, caller: Principal, team_id: str | None) -> tuple[Principal, ...]:
    """Everything that the caller can be, or a key of the team; the caller's own teams ask nobody."""
    callers = (caller, *caller.alternatives)
    if team_id is None:
        return callers
    own = tuple(one for one in callers if one.team_id == team_id)
    if own:
        return own
    grant = await inventory.teams.grant_of(caller, team_id)
    grants = (grant,) if caller.is_admin else (*caller.grants, grant)
    return (msgspec.structs.replace(caller, team_id=team_id, grants=grants),)


ROUTE_HANDLERS = (list_models, get_model)
