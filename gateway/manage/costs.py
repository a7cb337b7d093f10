"""What requests would cost: `/spend/calculate`, `/cost/estimate`; and what providers have spent."""

from typing import Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler

from gateway.access.rules import RouteRule
from gateway.catalog.cost_estimate import CostQuestion, build_cost_estimate
from gateway.catalog.estimate import estimate_prompt_tokens
from gateway.catalog.named_price import NamedPrice, find_named_price
from gateway.catalog.pricing import compute_charge
from gateway.domain import Endpoint, Role, Usage
from gateway.errors import BadRequest, NotFound, ValidationFailed
from gateway.hooks import RequestBody
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.manage.freshness import bring_up_to_date
from gateway.money import usd_from_nanos
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.pipeline.place_budgets import list_provider_budgets
from gateway.runtime import Gateway
from gateway.upstream.usage import usage_from_json
from gateway.wire.faults import fault_at

__all__ = ["ROUTE_HANDLERS"]

_ROLES = frozenset({Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER, Role.ORG_ADMIN})
# It computes and changes nothing.
_COMPUTE = allow(Resource.SPEND, Action.READ, Party.CALLER)
_MOST = 10**15
_Request = Request[Any, Any, Any]
_Gateway = NamedDependency[Gateway]


class CalculateRequest(msgspec.Struct):
    """A model and messages, of which the prompt is priced; or an answer, of which its usage is."""

    model: str | None = None
    messages: list[dict[str, object]] | None = None
    completion_response: dict[str, object] | None = None


_CALCULATE = BodyReader(CalculateRequest)
_ESTIMATE = BodyReader(CostQuestion)


@post(
    "/spend/calculate",
    status_code=200,
    opt={"rule": RouteRule(name="/spend/calculate", permit=_COMPUTE, roles=_ROLES, body=CalculateRequest)},
)
async def calculate(request: _Request, gateway: _Gateway) -> Answer:
    """What a prompt, or an answer that was given, costs."""
    body = await _CALCULATE.read_from(request)
    asked = body.value
    if asked.completion_response is not None:
        named = asked.model or asked.completion_response.get("model")
        usage = usage_from_json(msgspec.json.encode(asked.completion_response.get("usage")))
        if usage is None:
            raise _refuse("completion_response.usage", "The answer states no usage.")
    elif asked.messages is not None:
        named = asked.model
        usage = Usage(prompt_tokens=_prompt_tokens(asked.messages))
    else:
        raise _refuse("messages", "Either 'messages' with 'model' or 'completion_response' is needed.")
    found = _find(gateway, named if isinstance(named, str) else None)
    if found is None or found.price is None:
        raise _refuse("model", f"No price is known for the model '{str(named)[:100]}'.")
    return answer({"cost": usd_from_nanos(compute_charge(found.price, usage).total)}, body)


@post(
    "/cost/estimate",
    status_code=200,
    opt={"rule": RouteRule(name="/cost/estimate", permit=_COMPUTE, roles=_ROLES, body=CostQuestion)},
)
async def estimate(request: _Request, gateway: _Gateway) -> Answer:
    """What requests of so many tokens cost: each, per day and per month."""
    body = await _ESTIMATE.read_from(request)
    _check_counts(body.value)
    found = _find(gateway, body.value.model)
    if found is None or found.price is None:
        raise NotFound(f"No price is known for the model '{body.value.model[:100]}'.", param="model")
    return answer(build_cost_estimate(body.value, found), body)


@get(
    "/provider/budgets",
    opt={"rule": RouteRule(name="/provider/budgets", permit=allow(Resource.SPEND, Action.READ))},
)
async def show_provider_budgets(gateway: _Gateway) -> dict[str, object]:
    """The budgets of providers, with what was spent in their present periods."""
    await bring_up_to_date(gateway)
    return {"providers": await list_provider_budgets(gateway)}


def _find(gateway: Gateway, name: str | None) -> NamedPrice | None:
    return find_named_price(gateway.snapshot.catalog, name, gateway.clock.now_nanos()) if name else None


def _prompt_tokens(messages: list[dict[str, object]]) -> int:
    body = RequestBody.parse(msgspec.json.encode({"messages": messages}))
    return estimate_prompt_tokens(Endpoint.CHAT, body)


def _check_counts(asked: CostQuestion) -> None:
    faults = [
        fault_at(["body", name], f"must be from 0 to {_MOST}")
        for name, value in msgspec.structs.asdict(asked).items()
        if isinstance(value, int) and not 0 <= value <= _MOST
    ]
    if faults:
        raise ValidationFailed("A number is out of range.", details={"detail": faults})


def _refuse(param: str, message: str) -> BadRequest:
    return BadRequest(message, param=param, type="bad_request")


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (calculate, estimate, show_provider_budgets)
