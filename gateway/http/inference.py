"""The inference endpoints as bare ASGI routes: an ordinary handler would halve what a core can serve."""

from typing import Any, cast

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send

from gateway.domain import Endpoint
from gateway.errors import GatewayError, MethodNotAllowed, NotFound
from gateway.hooks import RequestHead
from gateway.ids import new_charge_id
from gateway.pipeline.answers import send_error
from gateway.pipeline.exchange import ClientLeftError, Exchange, read_head
from gateway.pipeline.inference import infer
from gateway.pipeline.intake import call_id_of
from gateway.runtime import Gateway
from gateway.wire import asgi as wire

__all__ = ["build_inference_routes"]

_MOUNTS = ("/openai/deployments", "/engines")
"""Prefixes below which the path names the model, with the contract's spelling."""


def build_inference_routes(gateway: Gateway) -> list[ASGIRouteHandler]:
    """Build one route per endpoint, with and without `/v1`, and those whose path names the model."""
    routes = [_plain_route(gateway, endpoint) for endpoint in Endpoint]
    return [*routes, *(_model_route(gateway, mount) for mount in _MOUNTS)]


def _plain_route(gateway: Gateway, endpoint: Endpoint) -> ASGIRouteHandler:
    @asgi([f"/v1/{endpoint.value}", f"/{endpoint.value}"], copy_scope=False, opt={"is_inference": True})
    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(gateway, endpoint, "", scope, receive, send)

    return route


def _model_route(gateway: Gateway, mount: str) -> ASGIRouteHandler:
    @asgi(mount, is_mount=True, copy_scope=False, opt={"is_inference": True})
    async def route(scope: Scope, receive: Receive, send: Send) -> None:
        # The router hands over what follows the mount, also of a path that only begins with the same letters.
        path = scope["path"].strip("/") if scope["path"].startswith("/") else ""
        for endpoint in Endpoint:
            model = path.removesuffix(f"/{endpoint.value}")
            if model not in (path, ""):
                scope["path"] = f"{mount}/{path}"
                await _answer(gateway, endpoint, model, scope, receive, send)
                return
        exchange = Exchange(_BARE_HEAD, cast("wire.Receive", receive), cast("wire.Send", send), gateway.clock)
        expected = ", ".join(f"{mount}/{{model}}/{endpoint.value}" for endpoint in Endpoint)
        await send_error(
            exchange, NotFound(f"There is no such route; there are {expected}."), new_charge_id()
        )

    return route


_BARE_HEAD = RequestHead("", "", {})


async def _answer(
    gateway: Gateway, endpoint: Endpoint, model: str, scope: Any, receive: Any, send: Any
) -> None:
    # Any, for Litestar's types say the same as ours in other words, and `cast` is a call.
    exchange = Exchange(_BARE_HEAD, receive, send, gateway.clock)
    try:
        exchange.head = read_head(scope)
        if exchange.head.method != "POST":
            raise MethodNotAllowed(
                f"This route answers POST, not {exchange.head.method}.", headers={"allow": "POST"}
            )
        await infer(gateway, endpoint, exchange, model)
    except ClientLeftError:
        return
    except GatewayError as error:
        await send_error(exchange, error, call_id_of(exchange, new_charge_id()))
