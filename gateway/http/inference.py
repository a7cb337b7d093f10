"""The inference endpoints as bare ASGI routes: an ordinary handler would halve what a core can serve."""

from collections.abc import Awaitable, Callable, Mapping
from typing import cast

from litestar import Litestar, asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from gateway.domain import MODEL_ENDPOINTS, Endpoint
from gateway.errors import GatewayError, MethodNotAllowed, NotFound
from gateway.http.asgi_exchange import AsgiExchange
from gateway.http.rsgi_exchange import RsgiExchange
from gateway.ids import new_charge_id
from gateway.pipeline.answers import send_error
from gateway.pipeline.exchange import ClientLeftError, Exchange
from gateway.pipeline.heads import read_head
from gateway.pipeline.inference import infer
from gateway.pipeline.intake import call_id_of
from gateway.runtime import Gateway
from gateway.wire import asgi as wire
from gateway.wire.rsgi import RsgiHeaders, RsgiProtocol, RsgiScope

__all__ = ["MOUNTS", "Lane", "build_inference_routes", "list_lanes"]

MOUNTS = ("/openai/deployments", "/engines")
"""Prefixes below which the path names the model, with the contract's spelling."""

Lane = Callable[[RsgiScope, RsgiHeaders, RsgiProtocol], Awaitable[None]]
"""The same endpoint for a request of the server's own interface and its headers, without ASGI in between."""


def build_inference_routes(gateway: Gateway) -> list[ASGIRouteHandler]:
    """Build one route per endpoint, with and without `/v1`, and those whose path names the model."""
    plain = [
        _plain_route(gateway, endpoint, path)
        for endpoint in MODEL_ENDPOINTS
        for path in (f"/v1/{endpoint.value}", f"/{endpoint.value}")
    ]
    return [*plain, *(_model_route(gateway, mount) for mount in MOUNTS)]


def list_lanes(app: Litestar) -> Mapping[str, Lane]:
    """The lanes of the application's inference routes, by their paths."""
    found: dict[str, Lane] = {}
    for route in app.routes:
        handler = getattr(route, "route_handler", None)
        if isinstance(handler, ASGIRouteHandler) and "lane" in handler.opt:
            found[route.path] = handler.opt["lane"]
    return found


def _plain_route(gateway: Gateway, endpoint: Endpoint, path: str) -> ASGIRouteHandler:
    # Not a coroutine of its own: each one costs as much as a look-up in three dicts.
    def lane(scope: RsgiScope, headers: RsgiHeaders, protocol: RsgiProtocol) -> Awaitable[None]:
        return _answer(gateway, endpoint, "", RsgiExchange(scope, headers, path, protocol, gateway.clock))

    @asgi(path, copy_scope=False, opt={"is_inference": True, "lane": lane})
    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(gateway, endpoint, "", _exchange(gateway, scope, receive, send))

    return route


def _model_route(gateway: Gateway, mount: str) -> ASGIRouteHandler:
    @asgi(mount, is_mount=True, copy_scope=False, opt={"is_inference": True})
    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        # The router hands over what follows the mount, also of a path that only begins with the same letters.
        path = scope["path"].strip("/") if scope["path"].startswith("/") else ""
        for endpoint in MODEL_ENDPOINTS:
            model = path.removesuffix(f"/{endpoint.value}")
            if model not in (path, ""):
                scope["path"] = f"{mount}/{path}"
                await _answer(gateway, endpoint, model, _exchange(gateway, scope, receive, send))
                return
        expected = ", ".join(f"{mount}/{{model}}/{endpoint.value}" for endpoint in MODEL_ENDPOINTS)
        error = NotFound(f"There is no such route; there are {expected}.")
        await send_error(_exchange(gateway, scope, receive, send), error, new_charge_id())

    return route


def _exchange(gateway: Gateway, scope: Scope, receive: Receive, send: Send) -> AsgiExchange:
    # Litestar's types say the same as ours in other words.
    head = read_head(cast("wire.Scope", scope))
    return AsgiExchange(head, cast("wire.Receive", receive), cast("wire.Send", send), gateway.clock)


async def _answer(gateway: Gateway, endpoint: Endpoint, model: str, exchange: Exchange) -> None:
    try:
        exchange.check_head()
        if exchange.head.method != "POST":
            raise MethodNotAllowed(
                f"This route answers POST, not {exchange.head.method}.", headers={"allow": "POST"}
            )
        await infer(gateway, endpoint, exchange, model)
    except ClientLeftError:
        return
    except GatewayError as error:
        await send_error(exchange, error, call_id_of(exchange, new_charge_id()))
