"""Asks deployments for a sign of life, one token each."""

import asyncio
from collections.abc import Sequence

import msgspec

from gateway.catalog.pricing import UNPRICED, compute_charge
from gateway.domain import Charge, Deployment, Endpoint, Usage
from gateway.errors import GatewayError
from gateway.hooks import RequestBody
from gateway.pipeline.health.wishes import CheckWishes, read_check_wishes
from gateway.runtime import Gateway
from gateway.upstream.dialect import CallBounds, build_upstream_request
from gateway.upstream.errors import error_from_answer, upstream_source
from gateway.upstream.usage import usage_from_json

__all__ = ["Probe", "probe_deployments"]

_PARALLEL = 16
_OK = range(200, 300)
_MOST_BYTES = 1024 * 1024
_ENDPOINT_OF_MODE = {
    "embedding": Endpoint.EMBEDDINGS,
    "completion": Endpoint.COMPLETIONS,
    "responses": Endpoint.RESPONSES,
}
_LEAST_RESPONSE_TOKENS = 16
"""The Responses API refuses smaller limits."""


class Probe(msgspec.Struct, frozen=True, kw_only=True):
    """What one deployment did; `error` is None when it answered.

    `seconds` is how long it took. The call is charged to nobody; `charge` says what it did cost.
    """

    deployment: Deployment
    error: str | None
    seconds: float = 0.0
    usage: Usage = Usage()
    charge: Charge = UNPRICED


class _Answer(msgspec.Struct):
    usage: msgspec.Raw = msgspec.Raw(b"null")


_decode = msgspec.json.Decoder(_Answer).decode


async def probe_deployments(
    gateway: Gateway, deployments: Sequence[Deployment], parallel: int = _PARALLEL
) -> list[Probe]:
    """Ask so many deployments at a time; the calls are not charged to anybody."""
    lane = asyncio.Semaphore(parallel)

    async def ask(deployment: Deployment) -> Probe:
        async with lane:
            began = gateway.clock.monotonic_nanos()
            probe = await _ask(gateway, deployment)
            seconds = (gateway.clock.monotonic_nanos() - began) / 1e9
            return msgspec.structs.replace(probe, seconds=seconds)

    return await asyncio.gather(*(ask(deployment) for deployment in deployments))


async def _ask(gateway: Gateway, deployment: Deployment) -> Probe:
    wishes = read_check_wishes(deployment)
    asked = msgspec.structs.replace(deployment, model=wishes.model or deployment.model)
    endpoint = _ENDPOINT_OF_MODE.get(deployment.mode, Endpoint.CHAT)
    body = RequestBody.parse(msgspec.json.encode({"model": asked.model, **_question(endpoint, wishes)}))
    bounds = CallBounds(_MOST_BYTES, wishes.timeout_seconds, timeout_seconds=wishes.timeout_seconds)
    try:
        request = build_upstream_request(asked, endpoint, body, is_stream=False, bounds=bounds)
        answer = await gateway.client_for(asked).send(request)
    except GatewayError as error:
        return Probe(deployment=deployment, error=error.message)
    now = gateway.clock.now_nanos()
    if answer.status not in _OK:
        source = upstream_source(asked, now)
        error = error_from_answer(answer.status, answer.headers, answer.body, source)
        return Probe(deployment=deployment, error=error.message)
    usage = _usage_of(answer.body)
    charge = compute_charge(gateway.snapshot.catalog.price_of(asked, now), usage)
    return Probe(deployment=deployment, error=None, usage=usage, charge=charge)


def _question(endpoint: Endpoint, wishes: CheckWishes) -> dict[str, object]:
    if endpoint is Endpoint.EMBEDDINGS:
        return {"input": "ping"}
    if endpoint is Endpoint.COMPLETIONS:
        return {"prompt": "ping", "max_tokens": wishes.max_tokens}
    if endpoint is Endpoint.RESPONSES:
        return {"input": "ping", "max_output_tokens": max(wishes.max_tokens, _LEAST_RESPONSE_TOKENS)}
    return {"messages": [{"role": "user", "content": "ping"}], "max_tokens": wishes.max_tokens}


def _usage_of(body: bytes) -> Usage:
    try:
        return usage_from_json(_decode(body).usage) or Usage()
    except msgspec.DecodeError:
        return Usage()
