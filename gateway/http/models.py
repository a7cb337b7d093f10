"""Which models the caller may name."""

from litestar import get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery

from gateway.access.model_access import is_model_allowed
from gateway.access.reach import find_group
from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.errors import NotFound
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway, Snapshot

__all__ = ["ROUTE_HANDLERS"]

_RULE = RouteRule(
    name="/v1/models", permit=allow(Resource.MODEL, Action.READ, Party.CALLER), allows_any_key=True
)
_Gateway = NamedDependency[Gateway]
_CREATED = 1677610602
"""The contract gives every model this time of creation."""


@get(["/v1/models", "/models"], opt={"rule": _RULE})
async def list_models(
    gateway: _Gateway,
    caller: NamedDependency[Principal],
    return_wildcard_routes: FromQuery[bool] = False,  # noqa: FBT002  a query parameter
) -> dict[str, object]:
    """List the models that the caller may name, wildcards only on request."""
    snapshot = gateway.snapshot
    granted: dict[str, None] = {}
    for member in (caller, *caller.alternatives):
        names = (
            *snapshot.catalog.names(),
            *(snapshot.catalog.team_models.public_names(member.team_id) if member.team_id else ()),
            *(snapshot.catalog.wildcard_names() if return_wildcard_routes else ()),
        )
        granted |= dict.fromkeys(
            name for name in names if is_model_allowed(snapshot.model_lists, member, name, name)
        )
    return {"object": "list", "data": [_shown(name) for name in granted]}


@get(["/v1/models/{model_id:path}", "/models/{model_id:path}"], opt={"rule": _RULE})
async def get_model(
    gateway: _Gateway, caller: NamedDependency[Principal], model_id: FromPath[str]
) -> dict[str, object]:
    """Show one model; raises NotFound for one that is unknown or that the caller may not use."""
    name = model_id.lstrip("/")
    if not any(_may_name(gateway.snapshot, member, name) for member in (caller, *caller.alternatives)):
        raise NotFound(
            f"The model '{name[:200]}' does not exist or is not available for this key.", param="model"
        )
    return _shown(name)


def _may_name(snapshot: Snapshot, caller: Principal, name: str) -> bool:
    routed = snapshot.catalog.team_models.names.get((caller.team_id or "", name), name)
    is_known = find_group(snapshot.catalog, routed, caller) is not None
    return is_known and is_model_allowed(snapshot.model_lists, caller, name, name)


def _shown(name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": _CREATED, "owned_by": "openai"}


ROUTE_HANDLERS = (list_models, get_model)
