"""The public routes of which providers and endpoints there are."""

from litestar import Response, get
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.inventory.provider_fields import describe_endpoints, describe_forms, list_providers
from gateway.permits.permit import ALL, Permit
from gateway.permits.terms import Action, Party, Resource

__all__ = ["ROUTE_HANDLERS"]

_FOR_ANYBODY = Permit(resource=Resource.MODEL, action=Action.READ, fields={Party.ANYBODY: ALL})


@get("/public/providers", opt={"rule": RouteRule(name="/public/providers", permit=_FOR_ANYBODY)})
async def show_providers() -> Response[list[str]]:
    """List the prefixes of the providers that the gateway knows."""
    return Response(list_providers())


@get(
    "/public/providers/fields", opt={"rule": RouteRule(name="/public/providers/fields", permit=_FOR_ANYBODY)}
)
async def show_forms() -> Response[list[dict[str, object]]]:
    """Say of every provider what a form asks for that adds a model of it."""
    return Response(describe_forms())


@get("/public/endpoints", opt={"rule": RouteRule(name="/public/endpoints", permit=_FOR_ANYBODY)})
async def show_endpoints() -> dict[str, object]:
    """List the endpoints of models, each with the providers that have it."""
    return {"endpoints": describe_endpoints()}


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_providers, show_forms, show_endpoints)
