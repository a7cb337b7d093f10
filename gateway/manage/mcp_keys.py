"""The route of the keys with which tokens of clients of MCP are signed."""

from typing import Any

from litestar import Request, get
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.manage.login import head_of
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_PATH = "/.well-known/jwks.json"


@get(
    _PATH,
    opt={"rule": RouteRule(name=_PATH, permit=allow(Resource.MCP_CREDENTIAL, Action.READ, Party.ANYBODY))},
)
async def show_keys(request: Request[Any, Any, Any], gateway: NamedDependency[Gateway]) -> dict[str, object]:
    """The public keys, for whoever reads tokens of the gateway; none where its tokens say nothing."""
    gateway.snapshot.core.gate.authenticate(head_of(request))
    signing = gateway.snapshot.core.signing
    return {"keys": []} if signing is None else signing.key_set


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_keys,)
