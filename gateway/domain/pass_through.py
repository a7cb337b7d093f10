"""A declared way through the gateway to a service that it knows nothing about."""

import msgspec

from gateway.domain.deployment import Endpoint, Secret

__all__ = ["PassThrough"]


class PassThrough(msgspec.Struct, frozen=True, kw_only=True):
    """One pass-through: requests for `path` go to `target`, with its `headers`.

    With `includes_subpath` what lies below the path goes below the target. `query` are parameters for
    requests that do not bring them. `cost_nanos` (nano-dollars) is the price of one request that succeeds.
    Unless it `asks_for_key` anybody may call it; one that `admits_strangers` lets in who sends no credential,
    and asks for a key otherwise; one that `admits_bearers` also lets in who sends nothing but a bearer token
    of somebody else's. Who has no credential and is not let in is told `challenge` (`www-authenticate`).
    `caller_header` is a further header in which callers may send their key. `forwarded` are headers, in lower
    case, that go along besides those of the body. `brought` are headers of clients that only its plugin is
    shown, in `RequestContext.brought`.
    Unless it `holds_slot` a request, which only waits for news, counts for no limit of requests under way.
    Where a request's cost or limits depend on its body it `is_read_first`, before it is admitted: hooks then
    find the body in `RequestContext.body`.
    `guardrails` are those that it has whoever calls it. `timeout_seconds` bounds the wait for the head of the
    answer, and each silence within it.
    """

    id: str
    path: str
    target: str
    methods: tuple[str, ...]
    headers: dict[str, Secret] = msgspec.field(default_factory=dict[str, Secret])
    query: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    includes_subpath: bool = False
    forwards_headers: bool = False
    asks_for_key: bool = True
    admits_strangers: bool = False
    admits_bearers: bool = False
    challenge: str = ""
    caller_header: str | None = None
    cost_nanos: int = 0
    timeout_seconds: float | None = None
    guardrails: tuple[str, ...] = ()
    endpoint: Endpoint = Endpoint.PASS_THROUGH
    forwarded: frozenset[str] = frozenset()
    brought: frozenset[str] = frozenset()
    holds_slot: bool = True
    is_read_first: bool = False
    is_from_config: bool = False

    def __repr__(self) -> str:
        # Targets and parameters may hold credentials.
        return f"PassThrough(id={self.id!r}, path={self.path!r})"
