"""What watches over one call: asked before, beside and after it, and written into its record."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any, TypeVar

import msgspec

from gateway.domain import ModelGroup
from gateway.errors import GatewayError
from gateway.hooks import CallGuard, RecordGuard, StreamGuard
from gateway.pipeline.answers import as_gateway_error
from gateway.pipeline.stopping import Stop
from gateway.spend.builder import CallDetails

__all__ = ["CallGuards", "StreamGuards", "join_reports", "list_guardrails"]

_Value = TypeVar("_Value")
Tell = Callable[[GatewayError], Coroutine[Any, Any, None]]


class CallGuards:
    """All guards of one call, one after another; none before the first have begun."""

    def __init__(self) -> None:
        self._guards: list[CallGuard] = []
        self._beside: list[asyncio.Task[None]] = []
        self._tell: Tell | None = None
        self._telling: asyncio.Task[None] | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the guardrails."""
        return tuple(dict.fromkeys(name for guard in self._guards for name in guard.names))

    async def begin(self, guards: Sequence[CallGuard]) -> None:
        """Have the request inspected, and begin what goes on beside the call. Raises GatewayError."""
        self._guards += guards
        for guard in guards:
            await guard.check_request()
        beside = [guard for guard in guards if guard.goes_beside]
        if beside:
            task = asyncio.create_task(_check_beside(beside))
            task.add_done_callback(self._note_end)
            self._beside.append(task)

    @property
    def refusal(self) -> GatewayError | None:
        """See Beside."""
        ended = (beside.exception() for beside in self._beside if beside.done() and not beside.cancelled())
        return next((error for error in ended if isinstance(error, GatewayError)), None)

    @property
    def go_beside(self) -> bool:
        """Whether anything goes on beside the call."""
        return bool(self._beside)

    async def check_unsent(self) -> None:
        """Look whether the call is refused beside it before it goes out. Raises GatewayError."""
        if self._beside:
            # Those that wait for nothing have decided then.
            await asyncio.sleep(0)
        if self.refusal is not None:
            raise self.refusal

    def tell_at_once(self, tell: Tell) -> None:
        """Have a refusal beside the call told when it comes, and not when the call ends."""
        self._tell = tell

    async def wait_beside(self) -> None:
        """Wait for what goes on beside the call. Raises GatewayError."""
        for beside in self._beside:
            await beside

    async def race(self, work: Awaitable[_Value]) -> _Value:
        """Await a part of the call, which is cancelled once what goes on beside it refuses it.

        Raises that refusal, and what the work raises.
        """
        stop = Stop()
        for beside in self._beside:
            beside.add_done_callback(stop.note_end)
        try:
            return await work
        except (asyncio.CancelledError, GatewayError):
            if stop.take_back() and self.refusal is not None:
                raise self.refusal from None
            raise
        finally:
            for beside in self._beside:
                beside.remove_done_callback(stop.note_end)
            stop.take_back()

    async def check_answer(self, body: bytes) -> bytes:
        """Have a whole answer inspected; return it as the client may get it. Raises GatewayError."""
        await self.wait_beside()
        for guard in self._guards:
            body = await _told(guard.check_answer(body))
        return body

    def open_streams(self) -> "StreamGuards | None":
        """Watch over a stream; None where nobody does."""
        opened = [stream for guard in self._guards if (stream := guard.open_stream()) is not None]
        return StreamGuards(opened) if opened else None

    def open_records(self) -> list[RecordGuard]:
        """Those that look at what is recorded."""
        return [found for guard in self._guards if (found := guard.open_record()) is not None]

    def _note_end(self, _ended: "asyncio.Task[None]") -> None:
        refusal = self.refusal
        if refusal is not None and self._tell is not None and self._telling is None:
            self._telling = asyncio.create_task(self._tell(refusal))

    def end(self, details: CallDetails) -> CallDetails:
        """Stop what still goes on; return the details of the record with what was inspected and found."""
        # It leads back here by the call, and the request would wait for the garbage collector.
        self._tell = None
        for beside in self._beside:
            if not beside.cancel():
                # Whoever did not wait for it had another error to tell.
                beside.exception()
        # Of those of records there is something to tell already only where they will not be asked.
        told = (*self._guards, *self.open_records())
        reports = [raw for guard in told if (raw := guard.report()) is not None]
        names = self.names
        if not names and not reports:
            return details
        return msgspec.structs.replace(
            details,
            is_shared=False,
            applied_guardrails=names,
            guardrail_information=join_reports(reports),
        )


class StreamGuards:
    """The guards of one stream; each sees what the one before it let go."""

    def __init__(self, streams: Sequence[StreamGuard]) -> None:
        self._streams = streams

    async def feed(self, events: bytes) -> bytes:
        """Return those events that may go out now. Raises GatewayError."""
        for stream in self._streams:
            events = await _told(stream.feed(events))
        return events

    async def finish(self, events: bytes) -> bytes:
        """Return all that has not gone out yet. Raises GatewayError."""
        for stream in self._streams:
            events = await _told(stream.finish(events))
        return events


def list_guardrails(group: ModelGroup) -> tuple[str, ...]:
    """The names that any deployment of a model has: nobody knows yet which one answers."""
    return tuple(dict.fromkeys(name for item in group.deployments for name in item.guardrails))


async def _check_beside(guards: Sequence[CallGuard]) -> None:
    for guard in guards:
        await _told(guard.check_beside())


async def _told(checking: Awaitable[_Value]) -> _Value:
    """What a guard returns; what it raises is told as it is, and charged with what the call has used."""
    try:
        return await checking
    except GatewayError:
        raise
    except Exception as raised:
        # A defect of a plugin.
        raise as_gateway_error(raised) from raised


def join_reports(lists: Sequence[msgspec.Raw]) -> msgspec.Raw | None:
    """One JSON list of the items of several, none of which is empty."""
    if not lists:
        return None
    return msgspec.Raw(b"[" + b",".join(bytes(one).strip()[1:-1] for one in lists) + b"]")
