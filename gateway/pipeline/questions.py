"""Questions of guardrails to models: calls of their own, on the account of the request they are about."""

import asyncio
from functools import partial
from typing import Any

import msgspec

from gateway.catalog.priced import check_priced
from gateway.domain import Deployment, Endpoint, ModelGroup
from gateway.errors import GatewayError, ServiceUnavailable, UpstreamGarbled
from gateway.hooks import RequestBody, RequestContext
from gateway.ids import new_charge_id
from gateway.pipeline.admitting import hold_request
from gateway.pipeline.answers import as_gateway_error, drop_frames
from gateway.pipeline.end_users import attribute_call
from gateway.pipeline.estimates import limit_member, usage_of_answer
from gateway.pipeline.sending import send_once
from gateway.pipeline.settlement import Settlement, record_refusal
from gateway.routing.router import Routed, RoutePlan
from gateway.runtime import Gateway, Snapshot
from gateway.sdk import Question
from gateway.spend.builder import CallDetails
from gateway.upstream.answer import ReadAnswer, read_answer
from gateway.upstream.dialect import build_upstream_request

__all__ = ["answer_guardrails", "put_question"]

_encode = msgspec.json.Encoder().encode


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct):
    choices: list[_Choice]


_decode = msgspec.json.Decoder(_Answer).decode


def answer_guardrails(gateway: Gateway) -> None:
    """Let guardrails ask models through this gateway."""
    gateway.parts.questions.answering = partial(put_question, gateway)


async def put_question(gateway: Gateway, about: RequestContext, asker: str, question: Question) -> str:
    """Ask a model for the guardrail `asker`; return what it says.

    The caller of `about` pays, whatever models it may use. The question is no request of the caller's own: it
    counts for no limit of requests. No guardrail inspects it, and no other model is asked in its place.
    Who stops waiting ends nothing: the call runs to its end, and is charged exactly.

    Raises GatewayError.
    """
    # Told rather than raised: nobody may be there to hear it any more.
    told = await asyncio.shield(gateway.background(_tell(gateway, about, asker, question)))
    if isinstance(told, GatewayError):
        raise told
    return told


async def _tell(
    gateway: Gateway, about: RequestContext, asker: str, question: Question
) -> str | GatewayError:
    snapshot = gateway.snapshot
    group = snapshot.catalog.find(question.model)
    if group is None:
        return ServiceUnavailable(f"There is no model '{question.model[:200]}' for the guardrail to ask.")
    context = _begin(gateway, snapshot, about, question, group)
    details = CallDetails(asked_by=asker, asked_for=about.call_id)
    try:
        details = await _attribute(gateway, snapshot, about, details)
        if snapshot.settings.litellm.block_requests_for_models_without_pricing:
            check_priced(snapshot.catalog, group, context.started_nanos)
        settlement = await hold_request(gateway, snapshot, context, group, details)
    except Exception as raised:  # noqa: BLE001  a defect is recorded and told as any refusal
        error = as_gateway_error(raised)
        record_refusal(gateway, snapshot, context, error, details)
        drop_frames(raised)
        return error
    # What is inspected is recorded with its own request, as far as its guardrails let it be.
    settlement.transcript = None
    return await _carry(gateway, snapshot, context, group, settlement)


def _begin(
    gateway: Gateway, snapshot: Snapshot, about: RequestContext, question: Question, group: ModelGroup
) -> RequestContext:
    charge_id, now = new_charge_id(), gateway.clock.now_nanos()
    return RequestContext(
        head=about.head,
        principal=about.principal,
        endpoint=Endpoint.CHAT,
        body=RequestBody.parse(_encode(_body(question, group))),
        model=question.model,
        is_stream=False,
        call_id=charge_id,
        charge_id=charge_id,
        started_nanos=now,
        started_monotonic=gateway.clock.monotonic_nanos(),
        subjects=about.subjects,
        is_free=snapshot.catalog.is_free(question.model, now),
        client_address=about.client_address,
        tags=about.tags,
        is_question=True,
    )


def _body(question: Question, group: ModelGroup) -> dict[str, Any]:
    body: dict[str, Any] = {
        "model": question.model,
        "messages": [
            {"role": "system", "content": question.instructions},
            {"role": "user", "content": question.text},
        ],
        limit_member(Endpoint.CHAT, group): question.max_tokens,
    }
    if question.schema is not None:
        form = {"name": "answer", "strict": True, "schema": question.schema}
        body["response_format"] = {"type": "json_schema", "json_schema": form}
    return body


async def _attribute(
    gateway: Gateway, snapshot: Snapshot, about: RequestContext, details: CallDetails
) -> CallDetails:
    """On whose account the request is, which the question is about."""
    found = await attribute_call(gateway, snapshot, about)
    return msgspec.structs.replace(
        found, asked_by=details.asked_by, asked_for=details.asked_for, is_shared=False
    )


async def _carry(
    gateway: Gateway, snapshot: Snapshot, context: RequestContext, group: ModelGroup, settlement: Settlement
) -> str | GatewayError:
    under_way = gateway.under_way
    under_way.begin(context.charge_id)
    try:
        return await _ask(gateway, snapshot, context, group, settlement)
    except asyncio.CancelledError:
        error = ServiceUnavailable("The question of a guardrail was stopped.")
        await settlement.abandon(group, error)
        if under_way.absorb(context.charge_id):
            return error
        raise
    except Exception as raised:  # noqa: BLE001  whatever went wrong, what is held must be given back
        error = as_gateway_error(raised)
        await settlement.fail(error)
        drop_frames(raised)
        return error
    finally:
        under_way.end(context.charge_id)


async def _ask(
    gateway: Gateway, snapshot: Snapshot, context: RequestContext, group: ModelGroup, settlement: Settlement
) -> str:
    async def attempt(deployment: Deployment, _tried: ModelGroup) -> ReadAnswer:
        request = build_upstream_request(
            deployment, context.endpoint, context.body, is_stream=False, bounds=snapshot.bounds
        )
        answer = await send_once(gateway, settlement, deployment, request)
        return read_answer(answer.body, None)

    async def plan() -> RoutePlan:
        return RoutePlan(group=group, find_group=_no_group, may_use=_never, uses_fallbacks=False)

    routed = await snapshot.router.route(group, attempt, plan)
    return await _settle(context, settlement, routed)


async def _settle(context: RequestContext, settlement: Settlement, routed: Routed[ReadAnswer]) -> str:
    """Charge an answer, also one that says nothing."""
    read = routed.value
    usage = read.usage or usage_of_answer(context, len(read.body))
    try:
        text, error = _decode(read.body).choices[0].message.content, None
    except (msgspec.DecodeError, UnicodeDecodeError, IndexError):
        text, error = "", UpstreamGarbled("The model that a guardrail asked answered no text.")
    await settlement.charge(routed, usage, read.response_id or context.call_id, error=error)
    if error is not None:
        raise error
    return text


def _no_group(_name: str) -> ModelGroup | None:
    return None


async def _never(_name: str) -> bool:
    return False
