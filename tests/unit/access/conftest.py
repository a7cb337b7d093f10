"""Requests and callers for the access checks."""

from collections.abc import Callable

import msgspec
import pytest

from gateway.domain import Endpoint, ModelGrant, Principal, Scope, ScopeKind
from gateway.hooks import RequestBody, RequestContext, RequestHead


@pytest.fixture
def caller() -> Callable[..., Principal]:
    """Builds a Principal; `models` are lists by kind of owner."""

    def build(models: dict[ScopeKind, set[str]] | None = None, **fields: object) -> Principal:
        grants = tuple(
            ModelGrant(Scope(kind, kind.value), frozenset(names)) for kind, names in (models or {}).items()
        )
        return Principal(token_hash="hash", key_name="sk-...cdef", grants=grants, **fields)

    return build


@pytest.fixture
def context(caller: Callable[..., Principal]) -> Callable[..., RequestContext]:
    """Builds a chat request; `body` is JSON text or an object."""

    def build(
        principal: Principal | None = None,
        body: object = None,
        *,
        model: str = "gpt-4o",
        path: str = "/v1/chat/completions",
    ) -> RequestContext:
        data = body if isinstance(body, bytes) else msgspec.json.encode(body or {"model": model})
        return RequestContext(
            head=RequestHead("POST", path, {}),
            principal=principal or caller(),
            endpoint=Endpoint.CHAT,
            body=RequestBody.parse(data),
            model=model,
            is_stream=False,
            call_id="call",
            charge_id="charge",
            started_nanos=0,
            started_monotonic=0,
        )

    return build
