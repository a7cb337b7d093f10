"""What watches over one call from its request to the end of its answer."""

from collections.abc import Sequence
from typing import Protocol

import msgspec

from gateway.errors import GatewayError

__all__ = ["Beside", "CallGuard", "RecordGuard", "Recorded", "StreamGuard"]


class Beside(Protocol):
    """What goes on beside one call."""

    @property
    def refusal(self) -> GatewayError | None:
        """What the call is refused with, as far as that is decided: nobody waits for its answer then."""
        ...


class Recorded(msgspec.Struct, frozen=True):
    """What is recorded of a call: the JSON objects of request and answer, as far as there are any."""

    request: bytes | None
    answer: bytes | None


class StreamGuard(Protocol):
    """Watches over one stream. What it raises ends the stream with an error event."""

    async def feed(self, events: bytes) -> bytes:
        """Take whole events as the client would get them; return those that may go out now."""
        ...

    async def finish(self, events: bytes) -> bytes:
        """Take the last events; return all that has not gone out yet."""
        ...


class RecordGuard(Protocol):
    """Looks at what is recorded of one call, after the client has its answer."""

    async def check(self, recorded: Recorded) -> Recorded | None:
        """Return what may be recorded; None records nothing of it. Raises nothing."""
        ...

    def pass_over(self, reason: str) -> None:
        """Note that nobody looks, because of the reason; nothing is recorded then."""
        ...

    def report(self) -> msgspec.Raw | None:
        """As that of a `CallGuard`."""
        ...


class CallGuard(Protocol):
    """Watches over one call. Whatever a method raises is what the client is answered.

    `names` are the guardrails of the call; they stand in its spend row and in `x-litellm-applied-guardrails`.
    """

    @property
    def names(self) -> Sequence[str]:
        """The names of what watches."""
        ...

    @property
    def goes_beside(self) -> bool:
        """Whether `check_beside` does anything, once the request was checked: if not, it is not called."""
        ...

    async def check_request(self) -> None:
        """Inspect or rewrite the body before it goes upstream."""
        ...

    async def check_beside(self) -> None:
        """Inspect the request while it is upstream; nothing of the answer goes out before this returns."""
        ...

    async def check_answer(self, body: bytes) -> bytes:
        """Inspect a whole answer; return it as the client may get it."""
        ...

    def open_stream(self) -> StreamGuard | None:
        """Watch over a stream; None lets it pass untouched."""
        ...

    def open_record(self) -> RecordGuard | None:
        """Look at what is recorded, later; None leaves it as it is. The same one each time."""
        ...

    def report(self) -> msgspec.Raw | None:
        """The JSON list of what was inspected and found, for the spend row; None while nothing was."""
        ...
