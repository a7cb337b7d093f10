"""Questions of plugins to models: calls of their own, on the account of the request they are about."""

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, Generic, TypeVar

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
from gateway.pipeline.sending import ask_once
from gateway.pipeline.settlement import Settlement, record_refusal
from gateway.routing.router import Routed, RoutePlan
from gateway.runtime import Gateway, Snapshot
from gateway.sdk import Question
from gateway.spend.builder import CallDetails
from gateway.upstream.answer import ReadAnswer
from gateway.upstream.dialect import build_upstream_request

__all__ = ["answer_plugins", "embed_texts", "put_question"]

_Read = TypeVar("_Read")
_encode = msgspec.json.Encoder().encode


class _Message(msgspec.Struct):
    content: str


class _Choice(msgspec.Struct):
    message: _Message


class _Answer(msgspec.Struct):
    choices: list[_Choice]


class _Vector(msgspec.Struct):
    index: int
    embedding: list[float]


class _Vectors(msgspec.Struct):
    data: list[_Vector]


class _Inquiry(msgspec.Struct, Generic[_Read], frozen=True):
    """What a model is asked, and how its answer is read: by a function that raises ValueError for others."""

    asker: str
    model: str
    endpoint: Endpoint
    build: Callable[[ModelGroup], dict[str, Any]]
    read: Callable[[bytes], _Read]


_decode = msgspec.json.Decoder(_Answer).decode
_decode_vectors = msgspec.json.Decoder(_Vectors).decode


def answer_plugins(gateway: Gateway) -> None:
    """Let guardrails, and other plugins, ask models through this gateway."""
    gateway.parts.questions.answering = partial(put_question, gateway)
    gateway.parts.questions.embedding = partial(embed_texts, gateway)


async def put_question(gateway: Gateway, about: RequestContext, asker: str, question: Question) -> str:
    """Ask a model for the guardrail `asker`; return what it says.

    The caller of `about` pays, whatever models it may use. The question is no request of the caller's own: it
    counts for no limit of requests. No guardrail inspects it, and no other model is asked in its place.
    Who stops waiting ends nothing: the call runs to its end, and is charged exactly.

    Raises GatewayError.
    """
    build = partial(_body, question)
    return await _put(gateway, about, _Inquiry(asker, question.model, Endpoint.CHAT, build, _read_text))


async def embed_texts(
    gateway: Gateway, about: RequestContext, asker: str, model: str, texts: Sequence[str]
) -> list[list[float]]:
    """The vectors of texts, in their order, which a model makes for the plugin `asker`; as `put_question`."""
    body = {"model": model, "input": list(texts), "encoding_format": "float"}

    def build(_: ModelGroup) -> dict[str, Any]:
        return body

    read = partial(_read_vectors, len(texts))
    return await _put(gateway, about, _Inquiry(asker, model, Endpoint.EMBEDDINGS, build, read))


async def _put(gateway: Gateway, about: RequestContext, inquiry: _Inquiry[_Read]) -> _Read:
    # Told rather than raised: nobody may be there to hear it any more.
    told = await asyncio.shield(gateway.background(_tell(gateway, about, inquiry)))
    if isinstance(told, GatewayError):
        raise told
    return told


async def _tell(gateway: Gateway, about: RequestContext, inquiry: _Inquiry[_Read]) -> _Read | GatewayError:
    snapshot = gateway.snapshot
    group = snapshot.catalog.find(inquiry.model)
    if group is None:
        return ServiceUnavailable(f"There is no model '{inquiry.model[:200]}' for {inquiry.asker} to ask.")
    context = _begin(gateway, snapshot, about, inquiry, group)
    details = CallDetails(asked_by=inquiry.asker, asked_for=about.call_id)
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
    return await _carry(_Call(gateway, snapshot, context, group, settlement), inquiry.read)


def _begin(
    gateway: Gateway, snapshot: Snapshot, about: RequestContext, inquiry: _Inquiry[Any], group: ModelGroup
) -> RequestContext:
    charge_id, now = new_charge_id(), gateway.clock.now_nanos()
    return RequestContext(
        head=about.head,
        principal=about.principal,
        endpoint=inquiry.endpoint,
        body=RequestBody.parse(_encode(inquiry.build(group))),
        model=inquiry.model,
        is_stream=False,
        call_id=charge_id,
        charge_id=charge_id,
        started_nanos=now,
        started_monotonic=gateway.clock.monotonic_nanos(),
        subjects=about.subjects,
        is_free=snapshot.catalog.is_free(inquiry.model, now),
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


class _Call(msgspec.Struct, frozen=True):
    """A call that was admitted."""

    gateway: Gateway
    snapshot: Snapshot
    context: RequestContext
    group: ModelGroup
    settlement: Settlement


async def _attribute(
    gateway: Gateway, snapshot: Snapshot, about: RequestContext, details: CallDetails
) -> CallDetails:
    """On whose account the request is, which the question is about."""
    found = await attribute_call(gateway, snapshot, about)
    return msgspec.structs.replace(
        found, asked_by=details.asked_by, asked_for=details.asked_for, is_shared=False
    )


async def _carry(call: _Call, read: Callable[[bytes], _Read]) -> _Read | GatewayError:
    under_way, context, settlement = call.gateway.under_way, call.context, call.settlement
    under_way.begin(context.charge_id)
    try:
        return await _settle(call, await _ask(call), read)
    except asyncio.CancelledError:
        error = ServiceUnavailable("The question of a guardrail was stopped.")
        await settlement.abandon(call.group, error)
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


async def _ask(call: _Call) -> Routed[ReadAnswer]:
    snapshot, context, group = call.snapshot, call.context, call.group

    async def attempt(deployment: Deployment, _tried: ModelGroup) -> ReadAnswer:
        request = build_upstream_request(
            deployment, context.endpoint, context.body, is_stream=False, bounds=snapshot.bounds
        )
        return (await ask_once(call.gateway, call.settlement, deployment, request, None)).read

    async def plan() -> RoutePlan:
        return RoutePlan(group=group, find_group=_no_group, may_use=_never, uses_fallbacks=False)

    return await snapshot.router.route(group, attempt, plan)


async def _settle(call: _Call, routed: Routed[ReadAnswer], read: Callable[[bytes], _Read]) -> _Read:
    """Charge an answer, also one that says nothing."""
    answer, context = routed.value, call.context
    usage = answer.usage or usage_of_answer(context, len(answer.body))
    identifier = answer.response_id or context.call_id
    try:
        said = read(answer.body)
    except (ValueError, IndexError):
        error = UpstreamGarbled("The model that a guardrail asked answered no text.")
        await call.settlement.charge(routed, usage, identifier, error=error)
        raise error from None
    await call.settlement.charge(routed, usage, identifier)
    return said


def _read_text(body: bytes) -> str:
    return _decode(body).choices[0].message.content


def _read_vectors(count: int, body: bytes) -> list[list[float]]:
    """The vectors of an answer. Raises ValueError for another number of them, or of another length."""
    found = sorted(_decode_vectors(body).data, key=lambda one: one.index)
    if [one.index for one in found] != list(range(count)) or len({len(one.embedding) for one in found}) > 1:
        message = "these are not the vectors of the texts"
        raise ValueError(message)
    return [one.embedding for one in found]


def _no_group(_name: str) -> ModelGroup | None:
    return None


async def _never(_name: str) -> bool:
    return False
