"""What the hooks of one request see and share."""

from collections.abc import Mapping
from typing import Protocol

import msgspec

from gateway.domain import Endpoint, Principal
from gateway.hooks.body import RequestBody

__all__ = ["Admission", "RequestContext", "RequestHead"]


class RequestHead(msgspec.Struct, frozen=True):
    """A request before its body was read.

    `path` is the ASGI path without the server's root path. `headers` have lower-case names; of a repeated
    header the last value counts. `client_host` is the address of the peer, or None on a unix socket.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: str = ""
    client_host: str | None = None


class Admission(Protocol):
    """What an admitted request holds of its limits, until it is settled or released, exactly once."""

    async def extend(self, cost_nanos: int) -> bool:
        """Hold so many nano-dollars more, if every budget has that much left; say whether it has."""
        ...

    async def settle(self, cost_nanos: int, tokens: int) -> None:
        """Turn what is held into what it did cost (nano-dollars) and use (tokens)."""
        ...

    async def release(self) -> None:
        """Give back what is held: nothing was used."""
        ...

    def headers(self) -> list[tuple[bytes, bytes]]:
        """Return the response headers that tell what is left of the limits, names in lower case."""
        ...


class RequestContext:
    """One request on its way through the gateway; hooks may read all of it and write `state`.

    `call_id` is what the caller sees (`x-litellm-call-id`), `charge_id` what the books go by. `model` is the
    name that the client asked for, `routed_model` the one that is looked up after aliases. Times are
    nanoseconds: `started_nanos` since 1970, `started_monotonic` on the monotonic clock.
    """

    __slots__ = (
        "body",
        "call_id",
        "charge_id",
        "endpoint",
        "estimated_cost_nanos",
        "estimated_tokens",
        "head",
        "is_stream",
        "model",
        "principal",
        "routed_model",
        "started_monotonic",
        "started_nanos",
        "state",
    )

    def __init__(
        self,
        *,
        head: RequestHead,
        principal: Principal,
        endpoint: Endpoint,
        body: RequestBody,
        model: str,
        is_stream: bool,
        call_id: str,
        charge_id: str,
        started_nanos: int,
        started_monotonic: int,
    ) -> None:
        self.head = head
        self.principal = principal
        self.endpoint = endpoint
        self.body = body
        self.model = model
        self.routed_model = model
        self.is_stream = is_stream
        self.call_id = call_id
        self.charge_id = charge_id
        self.started_nanos = started_nanos
        self.started_monotonic = started_monotonic
        self.estimated_tokens = 0
        self.estimated_cost_nanos = 0
        self.state: dict[str, object] = {}
