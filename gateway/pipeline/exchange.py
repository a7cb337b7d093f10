"""One HTTP exchange as the pipeline sees it: a head, a body that is read once, and an answer."""

from abc import ABC, abstractmethod
from collections.abc import Awaitable

from gateway.clock import Clock
from gateway.errors import BodyTooLarge, UnsupportedMediaType
from gateway.hooks import RequestHead

__all__ = ["ClientLeftError", "Exchange", "Headers"]

Headers = list[tuple[str, str]]
"""Names in lower case, values of visible ASCII."""


class ClientLeftError(Exception):
    """The client closed its connection before its request was whole: nobody is there to be answered."""


class Exchange(ABC):
    """A request that is being answered; `is_begun` says whether a status line went out.

    Each interface of the server has its own: what differs is how bytes come and go.
    """

    __slots__ = ("head", "is_begun", "is_ended", "started_monotonic", "started_nanos")

    def __init__(self, head: RequestHead, clock: Clock) -> None:
        self.head = head
        self.is_begun = False
        self.is_ended = False
        now, monotonic = clock.now_nanos, clock.monotonic_nanos
        self.started_nanos = now()
        self.started_monotonic = monotonic()

    @abstractmethod
    def check_head(self) -> None:
        """Raise BadRequest for headers that cannot be understood one way only."""

    def read_json_bytes(self, limit: int) -> Awaitable[bytes]:
        """Read the whole body, counting, once it is awaited.

        `limit` is in bytes. A body without a content type is taken for JSON. Raises BodyTooLarge,
        UnsupportedMediaType or ClientLeftError.
        """
        headers = self.head.headers
        content_type = headers.get("content-type", "")
        if content_type and "json" not in content_type and "json" not in content_type.lower():
            raise UnsupportedMediaType(
                f"This route reads JSON, and the content-type is '{content_type[:100]}'; "
                "send 'content-type: application/json'.",
                param="content-type",
            )
        declared = headers.get("content-length", "")
        length = int(declared) if declared.isdecimal() else -1
        if length > limit:
            raise too_large(limit)
        return self._read_body(length, limit)

    @abstractmethod
    async def _read_body(self, length: int, limit: int) -> bytes:
        """Read the body, which is `length` bytes long if that is not negative; raises as above."""

    @abstractmethod
    async def wait_until_gone(self) -> None:
        """Return when the client has left; only after the body was read."""

    @abstractmethod
    async def answer(self, status: int, headers: Headers, body: bytes) -> None:
        """Send an answer that is there whole; its length is added to the headers."""

    @abstractmethod
    async def begin(self, status: int, headers: Headers) -> None:
        """Send the status line and the headers of an answer that comes in parts."""

    @abstractmethod
    async def write(self, chunk: bytes) -> None:
        """Send a part of the body; of a client that has left nothing is said here."""

    @abstractmethod
    async def end(self, last: bytes = b"") -> None:
        """Send the rest of the body and end the answer; a second time it does nothing."""


def too_large(limit: int) -> BodyTooLarge:
    """Build the refusal of a body of more than `limit` bytes."""
    return BodyTooLarge(
        f"The request body is larger than {limit} bytes, the limit of this gateway.", param="body"
    )
