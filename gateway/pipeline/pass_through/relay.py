"""Takes a request to the target of its pass-through and brings the answer back, as it comes."""

import asyncio
from collections.abc import AsyncIterable, Collection
from contextlib import AbstractAsyncContextManager

import msgspec

from gateway.domain import PassThrough
from gateway.errors import GatewayError, ServiceUnavailable, UpstreamError
from gateway.hooks import ForwardRequest, RequestContext, UpstreamStream
from gateway.money import usd_text
from gateway.pipeline.exchange import Headers
from gateway.pipeline.interruption import Interruption, Reason
from gateway.pipeline.pass_through.body import BodySource, PartedExchange
from gateway.pipeline.pass_through.inspection import Inspection, ReadRequest
from gateway.pipeline.pass_through.settlement import PassThroughSettlement
from gateway.pipeline.response_headers import VERSION, tell_policies
from gateway.runtime import Gateway, Snapshot
from gateway.upstream.forwarding import build_address, build_headers, show_headers

__all__ = ["Passage", "end_unanswered", "relay_passage"]

_FIRST_REDIRECT, _FIRST_FAILURE, _NOT_MODIFIED = 300, 400, 304
_GONE = 499
_COST = "x-litellm-response-cost"
_RESTATED = frozenset({"accept-encoding", "content-length"})
_READABLE = ("accept-encoding", "identity")
_OF_THE_BODY = frozenset({"content-length", "content-md5", "digest", "content-digest", "etag"})
"""Headers of an answer that an edited body makes untrue."""


class Passage(msgspec.Struct, frozen=True):
    """An admitted request on its way to the target of `one`; `below` is what follows the declared path."""

    gateway: Gateway
    snapshot: Snapshot
    exchange: PartedExchange
    context: RequestContext
    one: PassThrough
    below: str
    settlement: PassThroughSettlement
    source: BodySource
    has_body: bool
    read: ReadRequest | None = None
    inspection: Inspection | None = None
    inspected_body: bytes = b""


async def relay_passage(passage: Passage, credentials: Collection[str]) -> None:
    """Send the request, relay the answer and settle; `credentials` are the gateway's, and are not sent.

    A client that leaves stops the call. Raises GatewayError for what failed before the target had answered,
    and for answers that break off.
    """
    interruption = Interruption(passage.source.wait_until_gone)
    streams = passage.gateway.streams
    streams.add(interruption)
    interruption.watch_soon()
    interruption.arm()
    try:
        await _Relay(passage, interruption).run(_build_request(passage, credentials))
    except asyncio.CancelledError:
        if not interruption.absorb():
            raise
        await _stop(passage, interruption)
    finally:
        interruption.close()
        streams.discard(interruption)


async def _stop(passage: Passage, interruption: Interruption) -> None:
    """End a request that nobody waits for: what the target has read whole is charged."""
    if interruption.reason is Reason.CLIENT_LEFT:
        await end_unanswered(passage)
        return
    error = ServiceUnavailable("The gateway is stopping; send the request again.")
    await _settle_stopped(passage, error, is_client_gone=False)
    raise error


async def end_unanswered(passage: Passage) -> None:
    """Settle a request whose client has left."""
    error = GatewayError("The client closed the connection.", status=_GONE, type="client_disconnected")
    await _settle_stopped(passage, error, is_client_gone=True)


async def _settle_stopped(passage: Passage, error: GatewayError, *, is_client_gone: bool) -> None:
    settlement = passage.settlement
    if passage.source.is_read.is_set():
        await settlement.charge(error, is_client_gone=is_client_gone)
    else:
        await settlement.fail(error, is_client_gone=is_client_gone)


def _build_request(passage: Passage, credentials: Collection[str]) -> ForwardRequest:
    one, head, bounds = passage.one, passage.context.head, passage.snapshot.bounds
    silence = one.timeout_seconds or passage.snapshot.settings.general.pass_through_seconds
    body: AsyncIterable[bytes] | bytes | None = passage.source if passage.has_body else None
    headers = build_headers(one, head.headers, credentials, has_body=passage.has_body)
    if passage.read is not None:
        # The client library counts this body itself, and the answer has to be readable.
        body = passage.inspected_body or None
        headers = (*((name, value) for name, value in headers if name not in _RESTATED), _READABLE)
    return ForwardRequest(
        method=head.method,
        url=build_address(one, passage.below, head.query, credentials),
        headers=headers,
        body=body,
        timeout_seconds=max(bounds.stream_seconds, silence),
        silence_seconds=silence,
        max_response_bytes=bounds.max_response_bytes,
    )


class _Relay:
    def __init__(self, passage: Passage, interruption: Interruption) -> None:
        self._passage = passage
        self._exchange = passage.exchange
        self._interruption = interruption
        self._now = passage.gateway.clock.monotonic_nanos

    async def run(self, request: ForwardRequest) -> None:
        passage = self._passage
        settlement, started = passage.settlement, self._now()
        forwarder = await passage.snapshot.pass_through_hooks.open_transport(passage.context)
        if passage.inspection is not None:
            await self._check_unsent(passage.inspection)
        opening = (forwarder or passage.gateway.parts.clients).forward(request)
        try:
            stream = await self._open(opening)
        except UpstreamError:
            await self._refuse_unread()
            raise
        finally:
            settlement.upstream_nanos = self._now() - started
        try:
            await self._answer(stream)
        finally:
            await opening.__aexit__(None, None, None)

    async def _check_unsent(self, inspection: Inspection) -> None:
        """Raise what the request is refused with beside the call: nothing was sent yet."""
        try:
            await inspection.check_unsent()
        except GatewayError:
            self._passage.settlement.stopped = "unsent"
            raise

    async def _open(self, opening: AbstractAsyncContextManager[UpstreamStream]) -> UpstreamStream:
        """Wait for the head of the answer. What is refused beside the call is stopped, and charged.

        The target may have worked on it: nobody can tell what it has read.
        """
        inspection, settlement = self._passage.inspection, self._passage.settlement
        if inspection is None:
            return await opening.__aenter__()
        try:
            return await inspection.race(opening.__aenter__())
        except GatewayError as error:
            if inspection.has_refused(error):
                settlement.stopped = "under_way"
                await settlement.charge(error)
            raise

    async def _refuse_unread(self) -> None:
        """Where the body was the reason, say so instead of what the client library makes of it."""
        fault = self._passage.source.fault
        if isinstance(fault, GatewayError):
            raise fault
        if fault is not None:
            self._interruption.interrupt(Reason.CLIENT_LEFT)
            await asyncio.sleep(0)

    async def _answer(self, stream: UpstreamStream) -> None:
        status = stream.status
        if _FIRST_REDIRECT <= status < _FIRST_FAILURE and status != _NOT_MODIFIED:
            raise UpstreamError("The target answered with a redirect, and none is followed.")
        headers = self._headers(stream)
        # Of a header that comes twice the first one.
        kind = dict(reversed(headers)).get("content-type", "")
        self._passage.context.is_stream = kind.startswith("text/event-stream")
        inspection = self._passage.inspection
        if inspection is None:
            await self._relay(stream, headers)
            return
        try:
            await self._answer_inspected(inspection, stream, headers, kind)
        except GatewayError as error:
            if inspection.has_refused(error):
                self._passage.settlement.stopped = (
                    "under_way" if self._passage.context.is_stream else "answered"
                )
            await self._settle(status, error)
            raise

    async def _answer_inspected(
        self, inspection: Inspection, stream: UpstreamStream, headers: Headers, kind: str
    ) -> None:
        """Send what guardrails leave of the answer. Raises as they do."""
        await inspection.wait_beside()
        kept = [pair for pair in headers if pair[0] not in _OF_THE_BODY]
        if self._passage.context.is_stream:
            await self._begin_stream(stream.status, [*kept, self._cost(stream.status)])
            async for events in inspection.read_events(stream):
                self._note_first()
                await self._exchange.write(events)
            await self._settle(stream.status)
            await self._exchange.end()
        elif inspection.is_readable(kind):
            body = await inspection.read_answer(stream, kind)
            self._note_first()
            await self._settle(stream.status)
            await self._exchange.answer(stream.status, [*kept, self._cost(stream.status)], body)
        else:
            await self._relay(stream, headers)

    async def _relay(self, stream: UpstreamStream, headers: Headers) -> None:
        """Send the answer along as it comes."""
        status = stream.status
        if self._passage.context.is_stream:
            await self._begin_stream(status, [*headers, self._cost(status)])
        else:
            await self._begin(status, [*headers, self._cost(status)])
        length = next((int(value) for name, value in headers if name == "content-length"), -1)
        left = length if self._passage.context.head.method != "HEAD" else -1
        try:
            while chunk := await stream.read_chunk():
                self._note_first()
                left -= len(chunk)
                if left == 0:
                    await self._settle(status)
                    await self._exchange.end(chunk)
                    return
                await self._exchange.write(chunk)
        except UpstreamError as error:
            await self._settle(status, error)
            raise
        await self._settle(status)
        await self._exchange.end()

    async def _begin_stream(self, status: int, headers: Headers) -> None:
        """Begin an answer whose client must know at once that it has begun: events may be long in coming."""
        await self._begin(status, headers)
        # The server keeps the head until there is something of the body, which may be nothing.
        await self._exchange.write(b"")

    async def _begin(self, status: int, headers: Headers) -> None:
        await self._interruption.watch_now()
        await self._exchange.begin(status, headers)

    def _note_first(self) -> None:
        settlement = self._passage.settlement
        if settlement.first_byte_nanos is None:
            settlement.first_byte_nanos = self._passage.gateway.clock.now_nanos()

    async def _settle(self, status: int, error: GatewayError | None = None) -> None:
        settlement = self._passage.settlement
        self._interruption.disarm()
        if status < _FIRST_FAILURE:
            await settlement.charge(error)
        else:
            await settlement.fail(error or UpstreamError(f"The target answered {status}.", status=status))

    def _cost(self, status: int) -> tuple[str, str]:
        """The header that tells the price; that of events tells it before anybody knows how they end."""
        cost = self._passage.context.cost_nanos if status < _FIRST_FAILURE else 0
        return _COST, usd_text(cost)

    def _headers(self, stream: UpstreamStream) -> Headers:
        context = self._passage.context
        own: Headers = [
            VERSION,
            ("x-litellm-call-id", context.call_id),
            *self._passage.settlement.admission.headers(),
        ]
        if self._passage.inspection is not None:
            own.append(("x-litellm-applied-guardrails", ",".join(self._passage.inspection.names)))
        if context.policies:
            own += tell_policies(context.policies)
        shown, taken = show_headers(stream.headers), dict(own)
        if not taken.keys().isdisjoint(dict(shown)):
            shown = [pair for pair in shown if pair[0] not in taken]
        return own + shown
