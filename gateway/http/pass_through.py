"""Where the gateway has no route of its own: a declared pass-through, or nothing."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast

import msgspec
from litestar import Request, Response
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from gateway.errors import GatewayError, NotServed
from gateway.http.parted_exchanges import PartedAsgiExchange, PartedRsgiExchange
from gateway.http.problems import EXCEPTION_HANDLERS, answer_http_exception
from gateway.ids import new_charge_id
from gateway.pipeline.answers import send_error
from gateway.pipeline.exchange import ClientLeftError
from gateway.pipeline.heads import read_head
from gateway.pipeline.intake import call_id_of
from gateway.pipeline.pass_through.body import BodySource, PartedExchange
from gateway.pipeline.pass_through.leading import lead_request
from gateway.runtime import Gateway
from gateway.wire import asgi as wire
from gateway.wire.rsgi import RsgiProtocol, RsgiScope

__all__ = ["PassThroughLane", "build_exception_handlers"]

_MOST_PATHS = 4096


class PassThroughLane:
    """Leads requests whose path no route has to their pass-through.

    The first one on a path was looked up among all routes; those on the same path after it come here straight
    from the server. Below `root` all paths are served as well.
    """

    def __init__(self, gateway: Gateway, root: str = "") -> None:
        self._gateway = gateway
        self._root = root
        self._known: dict[str, str] = {}

    def find(self, path: str) -> str | None:
        """What a path of the server is to the application, if it is known to have no route."""
        return self._known.get(path)

    def note(self, path: str) -> None:
        """Remember a path that no route has and a pass-through answers."""
        if len(self._known) >= _MOST_PATHS:
            self._known.clear()
        self._known[path] = path
        if self._root:
            self._known[self._root + path] = path

    async def answer(
        self, scope: RsgiScope, path: str, protocol: RsgiProtocol, otherwise: Callable[[], Awaitable[None]]
    ) -> None:
        """Answer a request on a known path; `otherwise` does where nobody leads it any more."""
        exchange = PartedRsgiExchange(scope, path.removesuffix("/"), protocol, self._gateway.clock)
        if not await self.lead(exchange, path):
            await otherwise()

    def lead(self, exchange: PartedExchange, path: str) -> Awaitable[bool]:
        """Answer a request by its pass-through; False where there is none, with nothing read."""
        return lead_request(self._gateway, exchange, path)

    async def answer_openly(self, exchange: PartedExchange) -> bool:
        """Give a plugin's answer for anybody, whom nobody asks who they are; False where there is none."""
        head, snapshot = exchange.head, self._gateway.snapshot
        if not snapshot.pass_through_hooks.has_answer_openly:
            return False
        try:
            snapshot.core.gate.authenticate(head)
            limits = snapshot.settings.gatewright.limits
            source = BodySource(exchange, snapshot.body_bytes, limits.body_seconds, self._gateway.bodies)
            found = await snapshot.pass_through_hooks.answer_openly(head, source.read_whole)
            if found is None:
                return False
            await exchange.answer(found.status, list(found.headers), found.body)
        except ClientLeftError:
            pass
        except GatewayError as error:
            await send_error(exchange, error, call_id_of(exchange, new_charge_id()))
        return True


def build_exception_handlers(gateway: Gateway, lane: PassThroughLane) -> Mapping[int | type[Exception], Any]:
    """The handlers of the application; a path without a route may be a pass-through's."""

    def answer_unknown_path(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        unknown = answer_http_exception(request, error)
        if "route_handler" in request.scope:
            # It was a route that did not find something.
            return unknown
        otherwise = unknown.to_asgi_response(None, request)  # pyright: ignore[reportUnknownMemberType]  Litestar's
        return _Passed(gateway, lane, otherwise)

    def answer_other_method(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
        path = read_head(cast("wire.Scope", request.scope)).path.rstrip("/")
        if gateway.snapshot.pass_throughs.own.find(path, includes_subpath=False) is not None:
            # Whatever a server is called, a route of the gateway is shared with nobody.
            return answer_http_exception(request, error)
        return answer_unknown_path(request, error)

    def answer_unserved_path(request: Request[Any, Any, Any], error: NotServed) -> Response[bytes]:
        del error
        unknown = answer_http_exception(request, NotFoundException())
        otherwise = unknown.to_asgi_response(None, request)  # pyright: ignore[reportUnknownMemberType]  Litestar's
        return _Passed(gateway, lane, otherwise)

    # Where a path begins with any name, others answer other methods, or those of names that nobody has.
    return {
        **EXCEPTION_HANDLERS,
        NotFoundException: answer_unknown_path,
        MethodNotAllowedException: answer_other_method,
        NotServed: answer_unserved_path,
    }


class _Passed(Response[bytes]):
    """Stands for an answer that is only made when it is sent."""

    def __init__(self, gateway: Gateway, lane: PassThroughLane, otherwise: ASGIResponse) -> None:
        super().__init__(b"")
        self._answer = _PassedAnswer(gateway, lane, otherwise)

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """Return what answers the request."""
        return self._answer


class _PassedAnswer(ASGIResponse):
    """Leads a request to its pass-through; where nobody knows one, `otherwise` answers it."""

    def __init__(self, gateway: Gateway, lane: PassThroughLane, otherwise: ASGIResponse) -> None:
        super().__init__()
        self._gateway = gateway
        self._lane = lane
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Litestar's types say the same as ours in other words.
        head, path = read_head(cast("wire.Scope", scope)), scope["path"]
        head = msgspec.structs.replace(head, path=path.removesuffix("/"))
        exchange = PartedAsgiExchange(head, scope, receive, send, self._gateway.clock)
        if await self._lane.lead(exchange, path):
            self._lane.note(path)
        elif not await self._lane.answer_openly(exchange):
            await self._otherwise(scope, receive, send)
