"""What the server calls: inference requests go straight to their lane, others through ASGI to Litestar."""

import asyncio
from collections.abc import Awaitable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager
from functools import partial
from typing import cast

from granian.rsgi import ProtocolClosed  # pyright: ignore[reportPrivateImportUsage]  as documented
from litestar import Litestar
from litestar.config.cors import CORSConfig

from gateway.http.cors import with_cors
from gateway.http.inference import Lane, list_lanes
from gateway.http.pass_through import PassThroughLane
from gateway.http.preemption import Preemption
from gateway.http.root_path import under_root_path
from gateway.http.rsgi_body import RsgiBody
from gateway.http.rsgi_exchange import list_headers, split_address
from gateway.pipeline.exchange import ClientLeftError
from gateway.settings import Settings
from gateway.wire.asgi import App, Message
from gateway.wire.rsgi import RsgiProtocol, RsgiScope, RsgiTransport

__all__ = ["Entrance", "build_entrance"]


def build_entrance(app: Litestar, settings: Settings) -> "Entrance":
    """Build what the server calls from an application and the settings of its surroundings."""
    origins, root = settings.gatewright.cors_origins, settings.environment.server_root_path
    cors = CORSConfig(allow_origins=list(origins), expose_headers=["*"]) if origins else None
    served = with_cors(under_root_path(cast("App", app), root), cors)  # Litestar's types say the same
    lanes = dict(list_lanes(app))
    lanes |= {root + path: lane for path, lane in lanes.items()}
    return Entrance(served, app.lifespan(), lanes, app.state.pass_throughs)


class Entrance:
    """An RSGI application around an ASGI one; `lifespan` is entered before the first request.

    A lane is found by its exact path, and so are pass-throughs that have answered before. What is spelt
    otherwise, what comes from a page of another origin and everything else is Litestar's to route.
    """

    def __init__(
        self,
        app: App,
        lifespan: AbstractAsyncContextManager[object],
        lanes: Mapping[str, Lane],
        pass_throughs: PassThroughLane | None = None,
    ) -> None:
        self._app = app
        self._lifespan = lifespan
        self._lanes = lanes
        self._pass_throughs = pass_throughs
        self._closing = asyncio.Event()
        self._life: asyncio.Task[None] | None = None

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Open the application; called by the server before it listens. Raises what keeps it closed."""
        loop.run_until_complete(self.open())

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        """Close the application; called by the server after the last answer."""
        loop.run_until_complete(self.close())

    async def open(self) -> None:
        """Open the application, in a task of its own: its cancel scopes are left where they were entered."""
        opened = asyncio.get_running_loop().create_future()
        self._life = asyncio.create_task(self._live(opened))
        await asyncio.wait((self._life, opened), return_when=asyncio.FIRST_COMPLETED)
        if self._life.done():
            self._life.result()

    async def close(self) -> None:
        """Close the application."""
        self._closing.set()
        if self._life is not None:
            await self._life

    async def _live(self, opened: "asyncio.Future[None]") -> None:
        async with self._lifespan:
            scheduling = asyncio.create_task(Preemption().run())
            opened.set_result(None)
            await self._closing.wait()
            scheduling.cancel()

    def __rsgi__(self, scope: RsgiScope, protocol: RsgiProtocol) -> Awaitable[None]:
        """Answer one request once it is awaited."""
        # The server makes both anew each time that they are asked for.
        asked, headers = scope.path, scope.headers
        lane = self._lanes.get(asked)
        if lane is not None and "origin" not in headers:
            return lane(scope, headers, protocol)
        if self._pass_throughs is not None and "origin" not in headers:
            path = self._pass_throughs.find(asked)
            if path is not None:
                return self._pass_throughs.answer(
                    scope, path, protocol, partial(self._serve, scope, protocol)
                )
        return self._serve(scope, protocol)

    def _serve(self, scope: RsgiScope, protocol: RsgiProtocol) -> Awaitable[None]:
        """Answer by the application."""
        call = _AsgiCall(scope, protocol)
        return self._app(_build_scope(scope), call.receive, call.send)


class _AsgiCall:
    """`receive` and `send` of one ASGI request."""

    def __init__(self, scope: RsgiScope, protocol: RsgiProtocol) -> None:
        self._protocol = protocol
        self._body = RsgiBody(scope, protocol)
        self._is_read = False
        self._is_gone = False
        self._start: Message = {}
        self._transport: RsgiTransport | None = None

    async def receive(self) -> Message:
        if self._is_read:
            if not self._is_gone:
                await self._protocol.client_disconnect()
            return {"type": "http.disconnect"}
        try:
            part, has_more = await self._body.read_part()
        except ClientLeftError:
            self._is_read = self._is_gone = True
            return {"type": "http.disconnect"}
        self._is_read = not has_more
        return {"type": "http.request", "body": part, "more_body": has_more}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        body: bytes = message.get("body", b"")
        has_more: bool = message.get("more_body", False)
        if self._transport is None:
            status, headers = self._start["status"], _texts(self._start.get("headers", ()))
            if not has_more:
                self._protocol.response_bytes(status, headers, body)
                return
            self._transport = self._protocol.response_stream(status, headers)
        try:
            if body:
                await self._transport.send_bytes(body)
        except ProtocolClosed:
            # As ASGI has it: who wants to know that the client left asks `receive`.
            return
        finally:
            if not has_more:
                # Without it the answer is complete, whoever still keeps this object.
                self._transport = None


def _build_scope(scope: RsgiScope) -> Message:
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": scope.http_version,
        "server": split_address(scope.server),
        "client": split_address(scope.client),
        "scheme": scope.scheme,
        "method": scope.method,
        "root_path": "",
        "path": scope.path,
        "raw_path": scope.path.encode(),
        "query_string": scope.query_string.encode(),
        "headers": [(name.encode(), value.encode("latin-1")) for name, value in list_headers(scope.headers)],
        "state": {},
        "extensions": {},
    }


def _texts(pairs: Iterable[tuple[bytes, bytes]]) -> list[tuple[str, str]]:
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]
