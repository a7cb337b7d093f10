"""One attempt at one deployment: its place is paid for, it is asked, and it has answered."""

import msgspec

from gateway.domain import Deployment
from gateway.pipeline.settlement import Settlement
from gateway.runtime import Gateway
from gateway.upstream.answer import ReadAnswer, read_answer
from gateway.upstream.client import UpstreamAnswer, UpstreamRequest
from gateway.upstream.errors import error_from_answer, error_from_event, upstream_source

__all__ = ["Answered", "ask_once"]


class Answered(msgspec.Struct, frozen=True):
    """An answer, and what the gateway read in it."""

    raw: UpstreamAnswer
    read: ReadAnswer


async def ask_once(
    gateway: Gateway,
    settlement: Settlement,
    deployment: Deployment,
    request: UpstreamRequest,
    shown_model: str | None,
) -> Answered:
    """Return a successful answer, in which the model has the name `shown_model` (None: the provider's).

    Raises UpstreamError, also for an error that came with a status of success, and PlaceSpentError where the
    place has no money.
    """
    if gateway.parts.ledger.places.is_active:
        await settlement.enter(deployment)
    now = gateway.clock.monotonic_nanos
    started = now()
    try:
        answer = await gateway.parts.clients.client_for(deployment).send(request)
    finally:
        settlement.upstream_nanos += now() - started
    if not 200 <= answer.status < 300:  # noqa: PLR2004  the successes of RFC 9110
        source = upstream_source(deployment, gateway.clock.now_nanos())
        raise error_from_answer(answer.status, answer.headers, answer.body, source)
    read = read_answer(answer.body, shown_model)
    if read.error is not None:
        raise error_from_event(read.error, upstream_source(deployment, gateway.clock.now_nanos()))
    return Answered(answer, read)
