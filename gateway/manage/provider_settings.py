"""The route that says what providers need to be told of a model."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.inventory.provider_fields import describe_providers
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Resource

__all__ = ["ROUTE_HANDLERS"]


@get(
    "/model/settings",
    opt={"rule": RouteRule(name="/model/settings", permit=allow(Resource.MODEL, Action.READ))},
)
async def show_providers() -> Response[list[dict[str, object]]]:
    """List the providers with the parameters that their models have."""
    return Response(describe_providers())


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_providers,)
