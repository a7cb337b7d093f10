"""Answers that are made here, in the form in which a server's would arrive."""

from gateway.hooks import HeaderPairs

__all__ = ["Made", "json_answer"]

_ACCEPTED = 202


class Made:
    """A `gateway.hooks.UpstreamStream` of bytes that are there already."""

    def __init__(self, status: int, headers: HeaderPairs, body: bytes) -> None:
        self.status = status
        self.headers = headers
        self._rest = [body] if body else []

    async def read_chunk(self) -> bytes:
        """The body, then nothing."""
        return self._rest.pop() if self._rest else b""


def json_answer(body: bytes, status: int = 200, headers: HeaderPairs = ()) -> Made:
    """An answer in JSON; without a body it says that a message was accepted."""
    if not body:
        return Made(_ACCEPTED if status == 200 else status, headers, b"")  # noqa: PLR2004  nothing to tell
    return Made(status, (("content-type", "application/json"), *headers), body)
