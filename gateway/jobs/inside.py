"""Takes the requests of plugins to their own gateway to whoever answers them."""

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager

from gateway.errors import ServiceUnavailable
from gateway.hooks import RequestHead, UpstreamStream

__all__ = ["InnerRequests"]

Asking = Callable[[RequestHead, bytes, Mapping[str, object]], AbstractAsyncContextManager[UpstreamStream]]


class InnerRequests:
    """Implements `gateway.hooks.Inside`; `asking` is joined when the gateway is built, after its plugins."""

    def __init__(self) -> None:
        self.asking: Asking | None = None

    def ask(
        self, head: RequestHead, body: bytes, state: Mapping[str, object]
    ) -> AbstractAsyncContextManager[UpstreamStream]:
        """See gateway.hooks.Inside."""
        if self.asking is None:
            raise ServiceUnavailable("Nothing can be asked before the gateway is open.")
        return self.asking(head, body, state)
