"""The routes that answer questions about models without calling one."""

from typing import Any

from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery

from gateway.access.rules import RouteRule
from gateway.domain import Principal
from gateway.inventory.dotprompt import LARGEST, read_dotprompt
from gateway.inventory.questions import (
    TokenCountRequest,
    TransformRequest,
    count_tokens,
    describe_model,
    list_params,
    transform,
)
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.uploads import read_file
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_COUNT = BodyReader(TokenCountRequest)
_TRANSFORM = BodyReader(TransformRequest)
_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]


@post(
    "/utils/token_counter",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/utils/token_counter",
            permit=allow(Resource.MODEL, Action.READ, Party.CALLER),
            allows_any_key=True,
            body=TokenCountRequest,
        )
    },
)
async def count(
    request: _Request,
    caller: _Caller,
    gateway: _Gateway,
    call_endpoint: FromQuery[bool] = False,  # noqa: FBT002  a query parameter
) -> Answer:
    """Estimate the tokens of a prompt, as admission does; no provider that is served counts them itself."""
    body = await _COUNT.read_from(request)
    counted = count_tokens(gateway.snapshot.catalog, caller, body.value)
    if call_endpoint:
        counted["error_message"] = "No endpoint of the provider counts tokens here: this is the estimate."
    return answer(counted, body)


@get(
    "/utils/supported_openai_params",
    opt={"rule": RouteRule(name="/utils/supported_openai_params", permit=allow(Resource.MODEL, Action.READ))},
)
async def show_params(gateway: _Gateway, model: FromQuery[str]) -> dict[str, object]:
    """Say which of OpenAI's parameters a model takes."""
    return {"supported_openai_params": list_params(gateway.snapshot.catalog, model)}


@get(
    "/utils/model_info",
    opt={
        "rule": RouteRule(
            name="/utils/model_info",
            permit=allow(Resource.MODEL, Action.READ, Party.CALLER),
            allows_any_key=True,
        )
    },
)
async def show_model(
    gateway: _Gateway, model: FromQuery[str], custom_llm_provider: FromQuery[str | None] = None
) -> dict[str, object]:
    """Say what is known about a provider's model."""
    catalog = gateway.snapshot.catalog
    return describe_model(catalog, model, custom_llm_provider, gateway.clock.now_nanos())


@post(
    "/utils/transform_request",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/utils/transform_request",
            # What the operator adds to requests is nothing for callers, though the contract shows it to all.
            permit=allow(Resource.MODEL, Action.READ),
            body=TransformRequest,
        )
    },
)
async def transform_request(request: _Request, caller: _Caller, gateway: _Gateway) -> Answer:
    """Show what would be sent upstream, without sending it."""
    body = await _TRANSFORM.read_from(request)
    snapshot = gateway.snapshot
    return answer(transform(snapshot.catalog, caller, body.value), body)


@post(
    "/utils/dotprompt_json_converter",
    status_code=200,
    opt={
        "rule": RouteRule(
            name="/utils/dotprompt_json_converter",
            # It reads what was sent and changes nothing.
            permit=allow(Resource.CONFIG, Action.UPDATE),
        )
    },
)
async def convert_prompt(request: _Request) -> dict[str, object]:
    """Read a `.prompt` file, sent as the part `file` of a form."""
    return read_dotprompt(*await read_file(request, LARGEST))


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (
    count,
    show_params,
    show_model,
    transform_request,
    convert_prompt,
)
