"""Requests and callers for the access checks."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.catalog import Catalog, PriceBook, build_catalog
from gateway.catalog.price_snapshot import PriceSnapshot
from gateway.domain import Endpoint, ModelGrant, Principal, Scope, ScopeKind
from gateway.hooks import RequestBody, RequestContext, RequestHead
from gateway.settings import Environment, ModelEntry, Settings


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


@pytest.fixture
def load_catalog() -> Callable[..., Catalog]:
    """Builds a catalog from items of `model_list`."""

    def build(*models: dict[str, Any]) -> Catalog:
        entries = tuple(
            ModelEntry(
                model_name=model["model_name"],
                litellm_params=model["litellm_params"],
                model_info=model.get("model_info", {}),
            )
            for model in models
        )
        settings = Settings(environment=Environment(data_dir=Path("unused")), models=entries)
        return build_catalog(settings, PriceBook(PriceSnapshot()), {})

    return build
