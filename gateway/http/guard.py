"""Who calls an ordinary route, and whether its declared rule lets them; no rule, no boot."""

from typing import Any, cast

import msgspec
from litestar import Litestar, Request
from litestar.connection import ASGIConnection
from litestar.handlers import BaseRouteHandler, HTTPRouteHandler
from litestar.routes import HTTPRoute

from gateway.access.roles import check_admin_routes
from gateway.access.rules import RouteRule, check_route
from gateway.domain import Principal
from gateway.errors import AuthenticationFailed, StartupError
from gateway.http.unstorable import check_is_storable
from gateway.pipeline.heads import read_head
from gateway.runtime import Gateway
from gateway.wire import asgi as wire

__all__ = ["build_guard", "caller_of", "check_rules"]

_CALLER = "gateway_caller"
_CHANGED_BY = "litellm-changed-by"
_LONGEST_NAME = 256


def build_guard(gateway: Gateway) -> Any:
    """Build the guard that authenticates the caller of a route and holds its rule against them."""

    async def guard(connection: ASGIConnection[Any, Any, Any, Any], handler: BaseRouteHandler) -> None:
        check_is_storable(connection.scope)
        rule = cast("RouteRule | None", handler.opt.get("rule"))
        if rule is None or (
            rule.is_public and gateway.parts.added.current.ui.get(rule.closed_by) is not True
        ):
            return
        head = read_head(cast("wire.Scope", connection.scope))
        principal = await gateway.snapshot.hooks.authenticate(head)
        if principal is None:
            raise AuthenticationFailed("No authentication accepts this credential.")
        check_admin_routes(gateway.snapshot.settings.access.admin_only_routes, principal, head.path)
        check_route(rule, principal, head.path)
        connection.scope["state"][_CALLER] = _signed(principal, head.headers.get(_CHANGED_BY))

    return guard


def _signed(principal: Principal, changed_by: str | None) -> Principal:
    """The caller with whom it says that it acts for, as far as that can be written down."""
    if not changed_by:
        return principal
    shown = "".join(char for char in changed_by if char.isprintable())[:_LONGEST_NAME]
    return msgspec.structs.replace(principal, changed_by=shown)


def caller_of(request: Request[Any, Any, Any]) -> Principal:
    """Return the caller that the guard let in: the dependency `caller` of handlers."""
    return cast("Principal", request.scope["state"][_CALLER])


def check_rules(app: Litestar) -> None:
    """Raise StartupError when a route has no declared rule: nobody decided who may call it."""
    for route in app.routes:
        if not isinstance(route, HTTPRoute):
            continue
        for handler in route.route_handlers:
            if _needs_rule(handler) and not isinstance(handler.opt.get("rule"), RouteRule):
                raise StartupError(f"The route {route.path} has no declared rule; nobody may call it.")


def _needs_rule(handler: HTTPRouteHandler) -> bool:
    # Litestar answers OPTIONS by itself, with the methods of the path and nothing else.
    return handler.http_methods != {"OPTIONS"}
