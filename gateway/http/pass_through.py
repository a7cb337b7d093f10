"""Where the gateway has no route of its own: a declared pass-through, or nothing."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, cast

import msgspec
from litestar import Request, Response
from litestar.exceptions import NotFoundException
from litestar.response.base import ASGIResponse
from litestar.types import Receive, Scope, Send

from gateway.domain import PassThrough
from gateway.errors import BadRequest, GatewayError, MethodNotAllowed
from gateway.hooks import RequestHead
from gateway.http.asgi_exchange import read_head
from gateway.http.parted_exchanges import PartedAsgiExchange, PartedRsgiExchange
from gateway.http.problems import EXCEPTION_HANDLERS, answer_http_exception
from gateway.ids import new_charge_id
from gateway.pipeline.answers import send_error
from gateway.pipeline.exchange import ClientLeftError
from gateway.pipeline.intake import call_id_of
from gateway.pipeline.pass_through.body import PartedExchange
from gateway.pipeline.pass_through.passing import pass_request
from gateway.runtime import Gateway
from gateway.wire import asgi as wire
from gateway.wire.rsgi import RsgiProtocol, RsgiScope

__all__ = ["PassThroughLane", "build_exception_handlers"]

_MOST_PATHS = 4096
_DOTS = frozenset({".", ".."})
_CROOKED = frozenset("\\%?#")


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

    async def lead(self, exchange: PartedExchange, path: str) -> bool:
        """Answer a request by its pass-through; False where there is none, with nothing read."""
        head, gateway = exchange.head, self._gateway
        try:
            exchange.check_head()
            found = gateway.snapshot.pass_throughs.find(head.path) or await self._ask(head)
            if not found:
                return False
            one = _choose(found, head.method, head.path)
            below = path[len(one.path) :]
            _check_is_straight(below)
            await pass_request(gateway, one, below, exchange)
        except ClientLeftError:
            pass
        except GatewayError as error:
            await send_error(exchange, error, call_id_of(exchange, new_charge_id()))
        return True

    async def answer_openly(self, exchange: PartedExchange) -> bool:
        """Give a plugin's answer for anybody, whom nobody asks who they are; False where there is none."""
        head, snapshot = exchange.head, self._gateway.snapshot
        if not snapshot.pass_through_hooks.has_answer_openly:
            return False
        try:
            snapshot.core.gate.authenticate(head)
            found = await snapshot.pass_through_hooks.answer_openly(head)
            if found is None:
                return False
            await exchange.answer(found.status, list(found.headers), found.body)
        except GatewayError as error:
            await send_error(exchange, error, call_id_of(exchange, new_charge_id()))
        return True

    async def _ask(self, head: RequestHead) -> Sequence[PassThrough]:
        """Where a plugin leads the request."""
        hooks = self._gateway.snapshot.pass_through_hooks
        found = await hooks.find_pass_through(head) if hooks.has_find_pass_through else None
        return () if found is None else (found,)


def build_exception_handlers(gateway: Gateway, lane: PassThroughLane) -> Mapping[int | type[Exception], Any]:
    """The handlers of the application; a path without a route may be a pass-through's."""

    def answer_unknown_path(request: Request[Any, Any, Any], error: NotFoundException) -> Response[bytes]:
        unknown = answer_http_exception(request, error)
        if "route_handler" in request.scope:
            # It was a route that did not find something.
            return unknown
        otherwise = unknown.to_asgi_response(None, request)  # pyright: ignore[reportUnknownMemberType]  Litestar's
        return _Passed(gateway, lane, otherwise)

    return {**EXCEPTION_HANDLERS, NotFoundException: answer_unknown_path}


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


def _choose(found: Sequence[PassThrough], method: str, path: str) -> PassThrough:
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
