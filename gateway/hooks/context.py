"""What the hooks of one request see and share."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from gateway.domain import ClientChoice, Endpoint, McpCall, Principal, Scope, StoredResponse, Subject
from gateway.errors import GatewayError
from gateway.hooks.body import RequestBody
from gateway.hooks.guards import Beside

__all__ = ["Admission", "RequestContext", "RequestHead"]


class RequestHead(msgspec.Struct, frozen=True):
    """A request before its body was read.

    `path` is the ASGI path without the server's root path. `headers` have lower-case names; of a repeated
    header the last value counts, but the lines of `x-forwarded-for` are one list. `client_host` is the
    address of the peer, or None on a unix socket. `scheme` is `https` where the gateway itself has TLS.
    """

    method: str
    path: str
    headers: Mapping[str, str]
    query: str = ""
    client_host: str | None = None
    scheme: str = "http"


class Admission(Protocol):
    """What an admitted request holds of its limits, until it is settled or released, exactly once."""

    async def extend(self, cost_nanos: int) -> bool:
        """Hold so many nano-dollars more, if every budget has that much left; say whether it has."""
        ...

    async def settle(self, cost_nanos: int, prompt_tokens: int, completion_tokens: int) -> None:
        """Turn what is held into what it did cost (nano-dollars) and use (tokens)."""
        ...

    async def release(self) -> None:
        """Give back what is held: nothing was used."""
        ...

    def headers(self) -> list[tuple[str, str]]:
        """Return the response headers that tell what is left of the limits, names in lower case."""
        ...


class RequestContext(msgspec.Struct, kw_only=True, eq=False):
    """One request on its way through the gateway; hooks may read all of it and write `state`.

    `call_id` is what the caller sees (`x-litellm-call-id`), `charge_id` what the books go by. `model` is the
    name that the client asked for, `routed_model` the one that is looked up after aliases. Times are
    nanoseconds: `started_nanos` since 1970, `started_monotonic` on the monotonic clock.

    `subjects` are what the request names beside its caller: end user, tags, agent, session; each has limits
    of its own. `is_free` says that nothing behind the model costs anything, so that no budget refuses it.
    `estimated_tokens` is input and output together, `estimated_input_nanos` the part of the cost for the
    input. `charged` are the scopes and meters whose spend grows beside those of caller, end user and tags;
    who admits the request names them.
    `client_choice` is the upstream address or credential that the request named itself, where it may.
    `client_address` is where the request comes from as far as trusted proxies tell it, else the peer's
    address. `tags` are those of request, key and team. `guardrails` are those that what is called has itself,
    whoever calls it; `guarded_by` those that watch over the call already.
    Unless it `holds_slot` it counts for no limit of requests under way; what `is_question`, a guardrail's own
    call on the account of a request, counts for no limit of requests at all.
    `tool` is the tool of an MCP server that is called, as `server/tool`; `withheld_tools` are the names of
    those that nobody may call, with their server's or without. `tool_call` is what records say of it.
    `brought` are the headers that its pass-through asks for, without those that hold a key of the gateway.
    `end_user` is the end user that a request to MCP servers is for, and `listens` says that it calls nothing
    and hears what they say, each message of which is inspected by itself.
    `cost_nanos` is what a request of a pass-through costs if it succeeds: who authorizes it may say so, and a
    guard of its answer may take it back. `failed` is what such a guard says of an answer that HTTP calls a
    success. `beside` is what goes on beside the call, if anything does: once it refuses, the call is
    cancelled. `tell_refusal` gives a refusal the form of the request's protocol.
    `policies` are those that it has, each with the reason. `own_answer` is what the gateway answers itself,
    in the place of a model. `previous` is the stored response that the request goes on from.
    """

    # A struct, for its constructor is not a Python function.

    head: RequestHead
    principal: Principal
    endpoint: Endpoint
    body: RequestBody
    model: str
    is_stream: bool
    call_id: str
    charge_id: str
    started_nanos: int
    started_monotonic: int
    routed_model: str = ""
    subjects: tuple[Subject, ...] = ()
    is_free: bool = False
    client_choice: ClientChoice | None = None
    estimated_tokens: int = 0
    estimated_cost_nanos: int = 0
    estimated_input_nanos: int = 0
    estimated_input_tokens: int = 0
    estimated_output_tokens: int = 0
    charged: tuple[Scope, ...] = ()
    client_address: str | None = None
    tags: tuple[str, ...] = ()
    guardrails: tuple[str, ...] = ()
    guarded_by: tuple[str, ...] = ()
    tool: str = ""
    withheld_tools: frozenset[str] = frozenset()
    tool_call: McpCall | None = None
    failed: GatewayError | None = None
    beside: Beside | None = None
    end_user: str | None = None
    listens: bool = False
    holds_slot: bool = True
    is_question: bool = False
    brought: tuple[tuple[str, str], ...] = ()
    cost_nanos: int = 0
    tell_refusal: Callable[[GatewayError], None] | None = None
    policies: tuple[tuple[str, str], ...] = ()
    own_answer: str | None = None
    previous: StoredResponse | None = None
    state: dict[str, object] = {}

    # What a request says is nothing for a log.
    __repr__ = object.__repr__

    def __post_init__(self) -> None:
        if self.model and not self.routed_model:
            self.routed_model = self.model
        if self.client_address is None:
            self.client_address = self.head.client_host
