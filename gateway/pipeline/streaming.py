"""Answers that come in pieces: relayed as they come, charged before their last piece goes out."""

import asyncio
import contextlib
from contextlib import AbstractAsyncContextManager

import msgspec

from gateway.domain import Deployment, Endpoint, ModelGroup, OnDisconnect
from gateway.errors import GatewayError, ServiceUnavailable, UpstreamError, UpstreamGarbled
from gateway.hooks import UpstreamStream
from gateway.pipeline.answers import drop_frames
from gateway.pipeline.attempts import Attempts
from gateway.pipeline.call import Call
from gateway.pipeline.estimates import usage_of_stream
from gateway.pipeline.exchange import ClientLeftError, Headers
from gateway.pipeline.guarding import CallGuards, StreamGuards
from gateway.pipeline.interruption import Interruption, Reason
from gateway.pipeline.keepalive import KeepAlive
from gateway.pipeline.response_headers import build_headers
from gateway.pipeline.response_ids import ResponseIds
from gateway.pipeline.tool_names import list_streamed
from gateway.routing.router import Routed
from gateway.upstream.answer import find_error
from gateway.upstream.errors import error_from_answer, error_from_event, upstream_source
from gateway.upstream.relay import StreamRelay
from gateway.upstream.responses_relay import ResponsesRelay
from gateway.wire.errors import error_event

__all__ = ["relay_stream"]

_OK = range(200, 300)
_NO_STREAM = ("json", "html")
"""In the content types of answers that are no stream; event streams themselves come under several names."""
_ERROR_BODY_BYTES = 64 * 1024
_NOTE_NANOS = 1_000_000_000
"""How often what was streamed is written into the journal."""
_END_SECONDS = 0.1
"""How long the end of a stream may follow its last event; later the connection is not worth the wait."""
_STREAM_HEADERS: Headers = [
    ("content-type", "text/event-stream; charset=utf-8"),
    ("cache-control", "no-cache"),
    # Reverse proxies that buffer answers, nginx among them, let this one through.
    ("x-accel-buffering", "no"),
]


class _Open(msgspec.Struct, frozen=True):
    """A stream whose head has come, and what closes it."""

    opening: AbstractAsyncContextManager[UpstreamStream]
    stream: UpstreamStream

    async def close(self) -> None:
        await self.opening.__aexit__(None, None, None)


async def relay_stream(call: Call) -> None:
    """Open a stream at a deployment and relay it.

    When the client leaves, the stream is cut upstream as soon as it has headers, and charged for what was
    generated. Raises GatewayError when no deployment begins to answer; later failures end the stream with
    an error event.
    """
    interruption = Interruption(call.exchange.wait_until_gone)
    call.gateway.streams.add(interruption)
    interruption.watch()
    try:
        attempts = Attempts(call)
        routed = await _open(call, attempts, interruption)
        relay = _build_relay(call, attempts, routed)
        try:
            await _Pump(call, interruption, routed, relay).run()
        finally:
            await routed.value.close()
    finally:
        interruption.close()
        call.gateway.streams.discard(interruption)


def _build_relay(call: Call, attempts: Attempts, routed: Routed[_Open]) -> StreamRelay | ResponsesRelay:
    shown_model = attempts.shown_model(routed.group)
    if call.context.endpoint is Endpoint.RESPONSES:
        return ResponsesRelay(shown_model, ResponseIds(call, routed.deployment, shown_model).write)
    return StreamRelay(shown_model, wants_usage=attempts.wants_usage)


async def _open(call: Call, attempts: Attempts, interruption: Interruption) -> Routed[_Open]:
    async def attempt(deployment: Deployment, _tried: ModelGroup) -> _Open:
        if call.settlement.is_placed:
            await call.settlement.enter(deployment)
        opening = call.gateway.client_for(deployment).stream(attempts.build_request(deployment))
        started = call.gateway.clock.monotonic_nanos()
        try:
            found = _Open(opening, await opening.__aenter__())
        finally:
            call.settlement.upstream_nanos += call.gateway.clock.monotonic_nanos() - started
        try:
            await _check(found.stream, deployment, call.gateway.clock.now_nanos())
        except BaseException:
            await found.close()
            raise
        return found

    if all(item.on_disconnect is OnDisconnect.CANCEL for item in attempts.group.deployments):
        interruption.arm()
    try:
        return await attempts.run(attempt)
    except asyncio.CancelledError:
        if not interruption.absorb():
            raise
        raise ClientLeftError from None
    finally:
        interruption.disarm()


async def _check(stream: UpstreamStream, deployment: Deployment, now_nanos: int) -> None:
    """Raise the UpstreamError of an answer that is no stream."""
    kind = next((value for name, value in stream.headers if name == "content-type"), "")
    if stream.status in _OK and not any(word in kind.lower() for word in _NO_STREAM):
        return
    body = b""
    while len(body) < _ERROR_BODY_BYTES and (chunk := await stream.read_chunk()):
        body += chunk
    source = upstream_source(deployment, now_nanos)
    if stream.status in _OK:
        if (error := find_error(body)) is not None:
            raise error_from_event(error, source)
        raise UpstreamGarbled("litellm.BadGatewayError: The model provider did not answer with a stream.")
    raise error_from_answer(stream.status, stream.headers, body, source)


class _Pump:
    """Moves one stream from the provider to the client, and settles it."""

    def __init__(
        self,
        call: Call,
        interruption: Interruption,
        routed: Routed[_Open],
        relay: StreamRelay | ResponsesRelay,
    ) -> None:
        self._call = call
        self._exchange = call.exchange
        self._interruption = interruption
        self._routed = routed
        self._relay = relay
        self._first_byte_nanos: int | None = None
        self._now = call.gateway.clock.monotonic_nanos
        self._noted_at = self._now()
        self._keepalive_seconds = call.snapshot.settings.gatewright.stream_keepalive_seconds
        self._guards = None if call.guards is None else call.guards.open_streams()

    async def run(self) -> None:
        """Relay until the end, settle, and send the last bytes."""
        if self._call.guards is not None:
            await self._wait_for_guards(self._call.guards)
        await self._exchange.begin(self._routed.value.stream.status, self._headers())
        output = KeepAlive(self._exchange, self._keepalive_seconds)
        error: GatewayError | None = None
        last = b""
        try:
            self._interruption.arm()
            last = await self._relay_all(output)
            self._interruption.disarm()
        except GatewayError as failure:
            error = failure
        except asyncio.CancelledError:
            error = self._interruption_error()
            if not self._interruption.absorb():
                await self._settle(error)
                raise
        finally:
            self._interruption.disarm()
            await output.close()
        await self._settle(error)
        await self._exchange.end(last if error is None else error_event(error))
        drop_frames(error)
        if error is None:
            await self._finish_upstream()

    async def _wait_for_guards(self, guards: CallGuards) -> None:
        """Wait for those beside the call; what they refuse is charged as far as it has gone."""
        try:
            await guards.wait_beside()
        except GatewayError as refused:
            await self._settle(refused)
            raise

    async def _finish_upstream(self) -> None:
        """Read the end that follows `[DONE]`, so that the connection can be used again."""
        with contextlib.suppress(UpstreamError, TimeoutError):
            async with asyncio.timeout(_END_SECONDS):
                while await self._routed.value.stream.read_chunk():
                    pass

    async def _relay_all(self, output: KeepAlive) -> bytes:
        """Relay up to the last event, which is returned: it goes out after the settlement."""
        stream, relay = self._routed.value.stream, self._relay
        transcript = self._call.settlement.transcript
        while chunk := await stream.read_chunk():
            if self._first_byte_nanos is None:
                self._first_byte_nanos = self._call.gateway.clock.now_nanos()
            events = relay.feed(chunk)
            if called := list_streamed(events):
                self._call.settlement.tools_called += called
            if self._guards is not None:
                events = await self._guard(self._guards, events)
            if transcript is not None:
                transcript.add(events)
            if relay.is_done:
                return events
            if events:
                await output.write(events)
            if self._now() - self._noted_at >= _NOTE_NANOS:
                self._note_progress()
            self._check_error()
        return await self._relay_rest()

    async def _relay_rest(self) -> bytes:
        """What comes after the last complete event of a stream that ended without saying so."""
        relay = self._relay
        last = relay.finish()
        self._check_error()
        if self._guards is not None:
            last = await self._guards.finish(last)
            if self._call.settlement.transcript is not None:
                self._call.settlement.transcript.add(last)
        if relay.is_empty:
            raise UpstreamGarbled("litellm.BadGatewayError: The model provider's stream held no event.")
        return last

    async def _guard(self, guards: StreamGuards, events: bytes) -> bytes:
        """What of these events may go out; at the end, all that was held back."""
        return await (guards.finish(events) if self._relay.is_done else guards.feed(events))

    def _note_progress(self) -> None:
        """Keep what was generated so far, for the case that this worker dies."""
        self._noted_at = self._now()
        relay, settlement = self._relay, self._call.settlement
        tokens = relay.estimated_completion_tokens
        usage = relay.usage or usage_of_stream(self._call.context, tokens)
        settlement.note_progress(self._routed, usage)

    async def _settle(self, error: GatewayError | None) -> None:
        relay, context = self._relay, self._call.context
        usage = relay.usage or usage_of_stream(context, relay.estimated_completion_tokens)
        await self._call.settlement.charge(
            self._routed,
            usage,
            relay.response_id or context.call_id,
            first_byte_nanos=self._first_byte_nanos,
            error=error,
            is_client_gone=self._interruption.reason is Reason.CLIENT_LEFT,
        )

    def _check_error(self) -> None:
        """Raise the UpstreamError that the stream told in an event."""
        if self._relay.error is not None:
            source = upstream_source(self._routed.deployment, self._call.gateway.clock.now_nanos())
            raise error_from_event(self._relay.error, source)

    def _interruption_error(self) -> GatewayError:
        if self._interruption.reason is Reason.STOPPING:
            return ServiceUnavailable("The gateway is stopping; send the request again.")
        return GatewayError("The client closed the connection.", status=499, type="client_disconnected")

    def _headers(self) -> Headers:
        upstream = self._routed.value.stream.headers
        return [*_STREAM_HEADERS, *build_headers(self._call, self._routed, upstream, None)]
