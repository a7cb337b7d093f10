"""Asks deployments for a sign of life, one token each."""

import asyncio
from collections.abc import Sequence

import msgspec

from gateway.domain import Deployment, Endpoint
from gateway.errors import GatewayError
from gateway.hooks import RequestBody
from gateway.runtime import Gateway
from gateway.upstream.dialect import CallBounds, build_upstream_request
from gateway.upstream.errors import error_from_answer, upstream_source

__all__ = ["Probe", "probe_deployments"]

_PARALLEL = 16
_OK = range(200, 300)
_QUESTIONS: dict[Endpoint, dict[str, object]] = {
    Endpoint.CHAT: {"messages": [{"role": "user", "content": "ping"}], "max_tokens": 1},
    Endpoint.COMPLETIONS: {"prompt": "ping", "max_tokens": 1},
    Endpoint.EMBEDDINGS: {"input": "ping"},
}
_BOUNDS = CallBounds(1024 * 1024, 30.0, timeout_seconds=30.0)
_ENDPOINT_OF_MODE = {"embedding": Endpoint.EMBEDDINGS, "completion": Endpoint.COMPLETIONS}


class Probe(msgspec.Struct, frozen=True):
    """What one deployment did; `error` is None when it answered."""

    deployment: Deployment
    error: str | None


async def probe_deployments(gateway: Gateway, deployments: Sequence[Deployment]) -> list[Probe]:
    """Ask so many deployments at a time; the calls are not charged to anybody."""
    lane = asyncio.Semaphore(_PARALLEL)

    async def ask(deployment: Deployment) -> Probe:
        async with lane:
            return Probe(deployment, await _ask(gateway, deployment))

    return await asyncio.gather(*(ask(deployment) for deployment in deployments))


async def _ask(gateway: Gateway, deployment: Deployment) -> str | None:
    endpoint = _ENDPOINT_OF_MODE.get(deployment.mode, Endpoint.CHAT)
    body = RequestBody.parse(msgspec.json.encode({"model": deployment.model, **_QUESTIONS[endpoint]}))
    try:
        request = build_upstream_request(deployment, endpoint, body, is_stream=False, bounds=_BOUNDS)
        answer = await gateway.client_for(deployment).send(request)
    except GatewayError as error:
        return error.message
    if answer.status in _OK:
        return None
    source = upstream_source(deployment, gateway.clock.now_nanos())
    return error_from_answer(answer.status, answer.headers, answer.body, source).message
