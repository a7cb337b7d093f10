"""Where the gateway has no route of its own: a declared pass-through, or nothing."""

import asyncio
from collections.abc import Mapping
from typing import Any, cast

import msgspec
from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from gateway.clock import Clock
from gateway.domain import PassThrough
from gateway.errors import BadRequest, GatewayError, MethodNotAllowed
from gateway.hooks import RequestHead
from gateway.http.asgi_exchange import AsgiExchange, read_head
from gateway.http.problems import EXCEPTION_HANDLERS, answer_http_exception
from gateway.http.severing import sever
from gateway.ids import new_charge_id
from gateway.pipeline.answers import send_error
from gateway.pipeline.exchange import ClientLeftError
from gateway.pipeline.intake import call_id_of
from gateway.pipeline.pass_through.body import PartedExchange
from gateway.pipeline.pass_through.passing import pass_request
from gateway.runtime import Gateway
from gateway.wire import asgi as wire

__all__ = ["build_exception_handlers"]

_Found = tuple[PassThrough, ...]
_DOTS = frozenset({".", ".."})
_CROOKED = frozenset("\\%?#")


def build_exception_handlers(gateway: Gateway) -> Mapping[int | type[Exception], Any]:
    """The handlers of the application; a path without a route may be a pass-through's."""

    def answer_unknown_path(request: Request[Any, Any, Any], error: NotFoundException) -> Response[bytes]:
        path: str = request.scope["path"]
        plain = path.removesuffix("/")
        found = tuple(gateway.snapshot.pass_throughs.find(plain))
        if found:
            return _Passed(gateway, found, plain)
        unknown = answer_http_exception(request, error)
        if not gateway.snapshot.pass_through_hooks.has_find_pass_through:
            return unknown
        otherwise = unknown.to_asgi_response(None, request)  # pyright: ignore[reportUnknownMemberType]  Litestar's
        return _Passed(gateway, (), plain, otherwise)

    return {**EXCEPTION_HANDLERS, NotFoundException: answer_unknown_path}


class _Passed(Response[bytes]):
    """Stands for an answer that is only made when it is sent."""

    def __init__(
        self, gateway: Gateway, found: _Found, path: str, otherwise: ASGIResponse | None = None
    ) -> None:
        super().__init__(b"")
        self._answer = _PassedAnswer(gateway, found, path, otherwise)

    def to_asgi_response(self, *_: Any, **__: Any) -> ASGIResponse:
        """Return what answers the request."""
        return self._answer


class _PassedAnswer(ASGIResponse):
    """Leads a request to its pass-through; where nobody knows one, `otherwise` answers it."""

    def __init__(self, gateway: Gateway, found: _Found, path: str, otherwise: ASGIResponse | None) -> None:
        super().__init__()
        self._gateway = gateway
        self._found = found
        self._path = path
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        # Litestar's types say the same as ours in other words.
        head = msgspec.structs.replace(read_head(cast("wire.Scope", scope)), path=self._path)
        exchange = _PartedAsgiExchange(head, scope, receive, send, self._gateway.clock)
        try:
            exchange.check_head()
            found = self._found or await self._ask(head)
            if not found and self._otherwise is not None:
                await self._otherwise(scope, receive, send)
                return
            one = _choose(found, head.method, self._path)
            below = scope["path"][len(one.path) :]
            _check_is_straight(below)
            await pass_request(self._gateway, one, below, exchange)
        except ClientLeftError:
            return
        except GatewayError as error:
            await send_error(exchange, error, call_id_of(exchange, new_charge_id()))

    async def _ask(self, head: RequestHead) -> _Found:
        """Where a plugin leads the request."""
        found = await self._gateway.snapshot.pass_through_hooks.find_pass_through(head)
        return () if found is None else (found,)


class _PartedAsgiExchange(AsgiExchange, PartedExchange):
    __slots__ = ("_ends",)

    def __init__(self, head: RequestHead, scope: Scope, receive: Receive, send: Send, clock: Clock) -> None:
        # Litestar's types say the same as ours in other words.
        super().__init__(head, cast("wire.Receive", receive), cast("wire.Send", send), clock)
        self._ends = scope["client"], scope["server"]

    async def abort(self) -> None:
        """See PartedExchange.abort."""
        if not self.is_ended:
            self.is_ended = True
            await asyncio.to_thread(sever, *self._ends)

    async def read_part(self) -> tuple[bytes, bool]:
        """See PartedExchange.read_part."""
        message = await self._receive()
        if message["type"] != "http.request":
            raise ClientLeftError
        return message.get("body", b""), message.get("more_body", False)


def _choose(found: _Found, method: str, path: str) -> PassThrough:
    one = next((one for one in found if method in one.methods), None)
    if one is None:
        allowed = ", ".join(sorted({name for one in found for name in one.methods}))
        message = f"{path[:200]} answers {allowed}, not {method}."
        raise MethodNotAllowed(message, headers={"allow": allowed})
    return one


def _check_is_straight(below: str) -> None:
    """Raise BadRequest for a decoded path that a server might read as another one than the gateway does."""
    segments = below.split("/")[1:]
    if segments and not segments[-1]:
        # One slash at the end may mean something to the target.
        segments.pop()
    is_crooked = any(not part or part.partition(";")[0] in _DOTS for part in segments)
    if is_crooked or not _CROOKED.isdisjoint(below) or not below.isprintable():
        message = "The path has empty segments, dots or escapes in it that no pass-through takes along."
        raise BadRequest(message, param="path")
