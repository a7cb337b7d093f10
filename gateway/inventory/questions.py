"""Answers about models that need no call: how long a prompt is, what a model takes, what would be sent."""

from collections.abc import Mapping
from typing import Any

import msgspec

from gateway.access.reach import find_group
from gateway.audit.masking import mask
from gateway.catalog.catalog import Catalog
from gateway.catalog.estimate import estimate_prompt_tokens
from gateway.catalog.naming import find_provider, list_prefixes
from gateway.catalog.price_book import PriceQuery
from gateway.catalog.unsupported import find_unsupported
from gateway.domain import Deployment, Endpoint, Principal
from gateway.errors import BadRequest, NotFound
from gateway.hooks.body import RequestBody
from gateway.inventory.masking import mask_address, mask_text
from gateway.inventory.model_info import OPENAI_PARAMS, build_costs
from gateway.upstream.dialect import CallBounds, build_upstream_request

__all__ = [
    "TokenCountRequest",
    "TransformRequest",
    "count_tokens",
    "describe_model",
    "list_params",
    "transform",
]

_ENDPOINTS: Mapping[str, Endpoint] = {
    **dict.fromkeys(("completion", "acompletion", "chat_completion"), Endpoint.CHAT),
    **dict.fromkeys(("text_completion", "atext_completion"), Endpoint.COMPLETIONS),
    **dict.fromkeys(("embedding", "aembedding"), Endpoint.EMBEDDINGS),
    **dict.fromkeys(("responses", "aresponses"), Endpoint.RESPONSES),
}
_PLAIN_HEADERS = frozenset({"content-type", "accept", "user-agent", "accept-encoding"})
_encode = msgspec.json.Encoder().encode


class TokenCountRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /utils/token_counter`: one of prompt, messages and contents."""

    model: str
    prompt: str | None = None
    messages: list[dict[str, object]] | None = None
    contents: list[dict[str, object]] | None = None
    tools: list[dict[str, object]] | None = None
    system: object = None


class TransformRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /utils/transform_request`: a kind of call, and the body that a client would send."""

    call_type: str
    request_body: dict[str, object]


def count_tokens(catalog: Catalog, caller: Principal, request: TokenCountRequest) -> dict[str, object]:
    """Estimate the tokens of a prompt from its bytes, as admission does. Raises BadRequest without one."""
    given = [one for one in (request.prompt, request.messages, request.contents) if one is not None]
    if not given:
        raise BadRequest("Give a prompt, messages or contents.", param="messages", type="bad_request_error")
    messages: list[object] = list(request.messages or ())
    if request.prompt is not None:
        messages.append({"role": "user", "content": request.prompt})
    contents = request.contents or ()
    messages.extend({"role": "user", "content": _encode(content).decode()} for content in contents)
    if request.system is not None:
        messages.insert(0, {"role": "system", "content": request.system})
    body = _body({"messages": messages, **({"tools": request.tools} if request.tools else {})})
    group = find_group(catalog, request.model, caller)
    return {
        "total_tokens": estimate_prompt_tokens(Endpoint.CHAT, body),
        "request_model": request.model,
        "model_used": group.deployments[0].model if group is not None else request.model,
        "tokenizer_type": "estimate",
        "count_source": "estimate",
        "original_response": None,
        "error": False,
        "error_message": None,
        "status_code": None,
    }


def list_params(catalog: Catalog, model: str) -> list[str]:
    """OpenAI's parameters that a model takes: a configured one, or one with its provider's prefix.

    Raises BadRequest for one whose provider stays unknown.
    """
    group = catalog.find(model)
    if group is not None:
        lacking = [one.dropped_params | one.refused_params for one in group.deployments]
        return [name for name in OPENAI_PARAMS if not all(name in missing for missing in lacking)]
    provider, name = _provider(model, None)
    missing = find_unsupported(provider, name.rpartition("/")[2])
    return [name for name in OPENAI_PARAMS if name not in missing]


def describe_model(catalog: Catalog, model: str, provider: str | None, now_nanos: int) -> dict[str, object]:
    """Prices and limits of a provider's model. Raises NotFound for one that nobody knows."""
    prefix, name = _provider(model, provider)
    quote = catalog.price_book.quote(PriceQuery(provider=prefix, model=name), now_nanos)
    if quote.price is None:
        raise NotFound(f"Nothing is known about the model '{model[:200]}'.", param="model")
    missing = find_unsupported(prefix, name.rpartition("/")[2])
    return {
        "key": name,
        "litellm_provider": prefix,
        "mode": quote.mode or "chat",
        "max_tokens": quote.max_output_tokens,
        "max_input_tokens": quote.max_input_tokens,
        "max_output_tokens": quote.max_output_tokens,
        **build_costs(quote.price),
        "supported_openai_params": [param for param in OPENAI_PARAMS if param not in missing],
    }


def transform(catalog: Catalog, caller: Principal, request: TransformRequest) -> dict[str, Any]:
    """What would be sent upstream for a body, without sending it; credentials are masked.

    Raises BadRequest for a call that is not served, NotFound for a model that is not.
    """
    endpoint = _ENDPOINTS.get(request.call_type)
    if endpoint is None:
        message = f"'{request.call_type[:100]}' is not served. Allowed: {', '.join(_ENDPOINTS)}."
        raise BadRequest(message, param="call_type", type="bad_request_error")
    deployment = _find_deployment(catalog, caller, request.request_body.get("model"))
    built = build_upstream_request(
        deployment,
        endpoint,
        _body(request.request_body),
        is_stream=request.request_body.get("stream") is True,
        bounds=CallBounds(0, 0.0),
    )
    return {
        "raw_request_api_base": mask_address(built.url),
        "raw_request_body": mask(msgspec.json.decode(built.body)),
        "raw_request_headers": {
            name: value if name in _PLAIN_HEADERS else mask_text(value) for name, value in built.headers
        },
        "error": None,
    }


def _find_deployment(catalog: Catalog, caller: Principal, model: object) -> Deployment:
    name = model if isinstance(model, str) else ""
    routed = catalog.team_models.names.get((caller.team_id or "", name), name)
    group = find_group(catalog, routed, caller)
    if group is None:
        raise NotFound(f"The model '{name[:200]}' does not exist.", param="request_body.model")
    return group.deployments[0]


def _provider(model: str, chosen: str | None) -> tuple[str, str]:
    found = find_provider(model, chosen, api_base=None)
    if found is None:
        message = f"'{model[:200]}' belongs to no known provider. Known: {', '.join(list_prefixes())}."
        raise BadRequest(message, param="model", type="bad_request_error")
    return found[0].prefix, found[1]


def _body(members: Mapping[str, object]) -> RequestBody:
    return RequestBody({name: msgspec.Raw(_encode(value)) for name, value in members.items()})
