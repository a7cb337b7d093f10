"""The routes of where prices are from, which models end when, and what it costs to leave a cache."""

import asyncio
from datetime import UTC
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.di import NamedDependency
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromQuery, QueryParameter

from gateway.access.rules import RouteRule
from gateway.catalog.cache_prediction import PricedPlace, predict_cache
from gateway.catalog.deprecations import sort_deprecations
from gateway.catalog.estimate import estimate_prompt_tokens
from gateway.clock import datetime_from_nanos
from gateway.domain import Endpoint, Principal, Role
from gateway.errors import BadRequest, NotFound
from gateway.hooks import RequestBody
from gateway.inventory.model_listing import ModelListing, ModelQuery
from gateway.manage.answers import Answer, answer
from gateway.manage.body import BodyReader
from gateway.permits.permit import allow
from gateway.permits.terms import Action, Party, Resource
from gateway.runtime import Gateway

__all__ = ["ROUTE_HANDLERS"]

_Request = Request[Any, Any, Any]
_Caller = NamedDependency[Principal]
_Gateway = NamedDependency[Gateway]
_Days = Annotated[int, QueryParameter(ge=0, le=36_500)]
_SOURCE, _DEPRECATIONS, _PREDICT = "/model/cost_map/source", "/model/deprecations", "/cost/predict-cache"


class CachePredictionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Two deployments by their ids, and the body of a chat completion."""

    current_deployment_id: str
    candidate_deployment_id: str
    request: dict[str, object]


_BODY = BodyReader(CachePredictionRequest)


@get(
    _SOURCE,
    opt={
        "rule": RouteRule(
            name=_SOURCE,
            permit=allow(Resource.CONFIG, Action.READ, Party.ORGANIZATION_ADMIN),
            roles=frozenset({Role.ORG_ADMIN}),
        )
    },
)
async def show_source(gateway: _Gateway) -> dict[str, object]:
    """Say where prices are from: a file of the operator's, and those that come with the release."""
    book = gateway.snapshot.catalog.price_book
    bundled = await asyncio.to_thread(book.count_bundled)
    return {
        "source": "local",
        "url": None,
        "is_env_forced": False,
        "fallback_reason": None,
        "model_count": bundled + (book.file_count or 0),
        "price_file_model_count": book.file_count,
        "bundled_release": f"genai-prices {book.bundled_release}",
    }


@get(
    [_DEPRECATIONS, f"/v1{_DEPRECATIONS}"],
    opt={"rule": RouteRule(name=_DEPRECATIONS, permit=allow(Resource.MODEL, Action.READ))},
)
async def show_deprecations(gateway: _Gateway, warn_within_days: FromQuery[_Days] = 30) -> dict[str, object]:
    """List the models that their providers stop serving, by how soon."""
    catalog, now = gateway.snapshot.catalog, datetime_from_nanos(gateway.clock.now_nanos()).astimezone(UTC)
    found = sort_deprecations(catalog, catalog.listings(), now.date(), warn_within_days)
    return {**found, "warn_within_days": warn_within_days, "checked_at": now.isoformat()}


@post(
    _PREDICT,
    status_code=200,
    opt={
        "rule": RouteRule(
            name=_PREDICT,
            # It computes and changes nothing.
            permit=allow(Resource.MODEL, Action.READ, Party.CALLER),
            allows_any_key=True,
            body=CachePredictionRequest,
        )
    },
)
async def predict(request: _Request, caller: _Caller, gateway: _Gateway) -> Answer:
    """What a prompt costs where it is cached, and what it costs to switch to another deployment."""
    body = await _BODY.read_from(request)
    asked = body.value
    current = _priced(gateway, caller, "current_deployment_id", asked.current_deployment_id)
    candidate = _priced(gateway, caller, "candidate_deployment_id", asked.candidate_deployment_id)
    tokens = estimate_prompt_tokens(
        Endpoint.CHAT, RequestBody.parse(msgspec.json.encode({"messages": [], **asked.request}))
    )
    return answer(predict_cache(current, candidate, tokens), body)


def _priced(gateway: Gateway, caller: Principal, name: str, identifier: str) -> PricedPlace:
    """A deployment that the caller may use. Raises NotFound, and BadRequest for one without a price."""
    snapshot, now = gateway.snapshot, gateway.clock.now_nanos()
    listing = ModelListing(snapshot.catalog, snapshot.model_lists, snapshot.router.cooldowns, now)
    found = listing.find(caller, ModelQuery(model_id=identifier))
    deployment = found[0].deployment if found else None
    if deployment is None:
        raise NotFound(f"There is no model with the id '{identifier[:200]}'.", param=name)
    price = snapshot.catalog.price_of(deployment, now)
    if price is None:
        message = f"{name}: No price is known for the model '{identifier[:200]}'."
        raise BadRequest(message, param=name, type="bad_request_error")
    return PricedPlace(deployment, price)


ROUTE_HANDLERS: tuple[HTTPRouteHandler, ...] = (show_source, show_deprecations, predict)
