"""Where a model name leads: deployments, and groups of deployments behind one name."""

import re
from enum import StrEnum

import msgspec

from gateway.domain.price import Price

__all__ = [
    "MODEL_ENDPOINTS",
    "ChosenBy",
    "ClientChoice",
    "ClientParams",
    "Deployment",
    "Endpoint",
    "ModelGroup",
    "OnDisconnect",
    "Secret",
]


class Secret:
    """A credential that does not show itself in logs, errors or reprs."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the credential; call it only where it goes onto the wire."""
        return self._value

    def __repr__(self) -> str:
        return "Secret('***')"

    __str__ = __repr__

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash((Secret, self._value))


class Endpoint(StrEnum):
    """What a request asks for; of model requests the value is the path below the API's base address."""

    # An enumeration's own hash is a Python function; endpoints are looked up in every request.
    __hash__ = str.__hash__

    CHAT = "chat/completions"
    COMPLETIONS = "completions"
    EMBEDDINGS = "embeddings"
    RESPONSES = "responses"
    PASS_THROUGH = "pass_through_endpoint"  # noqa: S105  it is no secret
    """A declared pass-through: it has no model, and no body that is looked into."""
    MCP = "mcp"
    """A message to an MCP server, which a plugin leads there as to a pass-through."""


_RESPONSES = Endpoint.RESPONSES
MODEL_ENDPOINTS = (Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.EMBEDDINGS, Endpoint.RESPONSES)
"""The endpoints of models."""


class OnDisconnect(StrEnum):
    """What becomes of an upstream call whose client has left."""

    DRAIN = "drain"
    """A stream is cut as soon as it has headers; a non-streaming call runs on and is charged exactly."""
    CANCEL = "cancel"
    """The call is stopped at once (needs the HTTP client that can do that)."""


class ChosenBy(StrEnum):
    """Who said where a call goes and what it authenticates with."""

    OPERATOR = "operator"
    CLIENT_KEY = "client key"
    """The address is the operator's, the credential the client's."""
    CLIENT_ADDRESS = "client address"
    """The address is the client's: only public networks, and nothing of the operator's goes there."""
    TENANT = "tenant"
    """A team's administrator wrote address and credential: public networks only, for all of its calls."""


class ClientParams(msgspec.Struct, frozen=True):
    """What a client may choose of a deployment: its credential, its address, or both.

    An address has to match `address_pattern` as a whole, where there is one. `api_version` is the operator's,
    for addresses that carry one.
    """

    api_key: bool = False
    api_base: bool = False
    address_pattern: re.Pattern[str] | None = None
    api_version: str | None = None


class ClientChoice(msgspec.Struct, frozen=True):
    """What a request chose itself; never shown."""

    api_key: Secret | None = None
    api_base: str | None = None

    __repr__ = object.__repr__


class Deployment(msgspec.Struct, frozen=True, kw_only=True):
    """One place that can answer for a model name.

    `model` is the provider's name of the model. `urls` has the complete address per endpoint. `headers`
    carry the credential: they are what goes upstream beside the body's own headers. `defaults` are body
    members that the operator set, already encoded; the caller's members win; `response_defaults` are the same
    for the Responses API, by its names. `dropped_params` are never sent,
    `refused_params` are an error unless the request has them dropped. `timeout_seconds` bounds a
    whole non-streaming call, `stream_timeout_seconds` the silence between two chunks. `client_params` says
    what a client may choose in its request, None nothing; `chosen_by` who chose what is here.
    """

    id: str
    group: str
    provider: str
    model: str
    urls: dict[Endpoint, str]
    headers: dict[str, Secret] = msgspec.field(default_factory=dict[str, Secret])
    api_base: str = ""
    defaults: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict[str, msgspec.Raw])
    response_defaults: dict[str, msgspec.Raw] = msgspec.field(default_factory=dict[str, msgspec.Raw])
    dropped_params: frozenset[str] = frozenset()
    refused_params: frozenset[str] = frozenset()
    price: Price | None = None
    mode: str = "chat"
    timeout_seconds: float = 600.0
    stream_timeout_seconds: float = 600.0
    weight: float | None = None
    rpm: int | None = None
    tpm: int | None = None
    order: int = 0
    max_retries: int | None = None
    cooldown_seconds: float | None = None
    max_parallel_requests: int | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    mock_response: str | None = None
    does_stream_usage: bool = True
    on_disconnect: OnDisconnect = OnDisconnect.DRAIN
    budget_nanos: int | None = None
    """What may be spent here within each `budget_period`, or in all where that is empty."""
    budget_period: str = ""
    tags: tuple[str, ...] = ()
    guardrails: tuple[str, ...] = ()
    region: str | None = None
    access_groups: tuple[str, ...] = ()
    client_params: ClientParams | None = None
    chosen_by: ChosenBy = ChosenBy.OPERATOR
    model_info: dict[str, object] = msgspec.field(default_factory=dict[str, object])

    def defaults_of(self, endpoint: Endpoint) -> dict[str, msgspec.Raw]:
        """The members that the operator set for requests of an endpoint."""
        return self.response_defaults if endpoint is _RESPONSES else self.defaults


class ModelGroup(msgspec.Struct, frozen=True):
    """All deployments behind one name; never empty."""

    name: str
    deployments: tuple[Deployment, ...]
