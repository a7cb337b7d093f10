"""One inference request, from its head to its settlement."""

import asyncio
from collections.abc import Awaitable
from functools import partial
from typing import TypeVar

from gateway.domain import MODEL_ENDPOINTS, Endpoint, ModelGroup
from gateway.errors import AuthenticationFailed, GatewayError, NotFound, ServiceUnavailable
from gateway.hooks import RequestContext
from gateway.hooks.dispatch import Hooks
from gateway.ids import new_charge_id
from gateway.pipeline.admitting import admit_request
from gateway.pipeline.answering import relay_answer
from gateway.pipeline.answers import as_gateway_error, drop_frames, send_error
from gateway.pipeline.call import Call
from gateway.pipeline.end_users import keep_known_end_user
from gateway.pipeline.exchange import ClientLeftError, Exchange
from gateway.pipeline.inner import InnerExchange, InnerGateway, ask_inside, relay_own
from gateway.pipeline.intake import begin_context, fill_context
from gateway.pipeline.memberships import settle_team
from gateway.pipeline.nesting import check_depth
from gateway.pipeline.own_answer import answering_itself
from gateway.pipeline.pass_through.leading import lead_request
from gateway.pipeline.previous import read_previous
from gateway.pipeline.refusing import hear_beside
from gateway.pipeline.settlement import Settlement, record_refusal
from gateway.pipeline.streaming import relay_stream
from gateway.runtime import Gateway, Snapshot
from gateway.spend.builder import NO_DETAILS, CallDetails
from gateway.wire.errors import error_event

__all__ = ["answer_inside", "infer"]

_Value = TypeVar("_Value")
_RESPONSES = Endpoint.RESPONSES


def answer_inside(gateway: Gateway) -> None:
    """Let plugins ask this gateway."""
    gateway.parts.inside.asking = partial(ask_inside, gateway, partial(_serve_inner, gateway))


async def infer(gateway: Gateway, endpoint: Endpoint, exchange: Exchange, path_model: str) -> None:
    """Answer a chat completion, completion or embeddings request.

    Raises GatewayError only while nobody is known to be calling; every later failure is answered and
    recorded here. Raises ClientLeftError when the client left before its request was whole.
    """
    snapshot = gateway.snapshot
    # Not its property, which is a function.
    hooks = snapshot.plugins.hooks
    # Taken first: what is called in the same breath and is no method takes CPython longer to find.
    authenticate = hooks.authenticate
    principal = await authenticate(exchange.head)
    if principal is None:
        raise AuthenticationFailed("No authentication accepts this credential.")
    context = begin_context(exchange, principal, endpoint, snapshot.core.gate.client_of(exchange.head))
    details = NO_DETAILS
    try:
        details = await _read(gateway, snapshot, exchange, context, path_model)
        if hooks.has_answer_request and await _is_answered(gateway, hooks, exchange, context):
            return
        group, settlement = await admit_request(gateway, snapshot, context, details)
    except ClientLeftError:
        raise
    except Exception as raised:  # noqa: BLE001  a plugin's defect is answered and recorded as any refusal
        error = as_gateway_error(raised)
        record_refusal(gateway, snapshot, context, error, details)
        await _send(snapshot, exchange, context, error)
        drop_frames(raised)
        return
    under_way = gateway.under_way
    under_way.begin(context.charge_id)
    try:
        group = await _inspect(hooks, context, settlement, group)
        call = Call(gateway, snapshot, exchange, context, group, settlement)
        if settlement.guards is not None:
            await _guard(hear_beside(call, settlement.guards), settlement)
        await (relay_stream if context.is_stream else relay_answer)(call)
    except ClientLeftError:
        await settlement.abandon(group)
    except asyncio.CancelledError:
        if not under_way.absorb(context.charge_id):
            await settlement.abandon(group)
            raise
        error = ServiceUnavailable("An administrator released what this request held, and ended it.")
        await settlement.abandon(group, error)
        await _send(snapshot, exchange, context, error)
    except Exception as raised:  # noqa: BLE001  whatever went wrong, what is held must be given back
        error = as_gateway_error(raised)
        await settlement.fail(error)
        await _send(snapshot, exchange, context, error)
        drop_frames(raised)
    finally:
        under_way.end(context.charge_id)


async def _read(
    gateway: Gateway, snapshot: Snapshot, exchange: Exchange, context: RequestContext, path_model: str
) -> CallDetails:
    """Read the body into the context, and whom it names; raises GatewayError or ClientLeftError."""
    limits = snapshot.settings.gatewright.limits
    body = exchange.read_json_bytes(snapshot.body_bytes)
    data = await gateway.bodies.read(body, exchange.started_monotonic, limits.body_seconds)
    fill_context(context, data, path_model)
    if limits.json_depth:
        check_depth(data, limits.json_depth)
    if context.principal.alternatives:
        settle_team(snapshot, context)
    if context.endpoint is _RESPONSES:
        read_previous(gateway.parts.added.seal, context)
    details = gateway.parts.attribution.read(context)
    context.tags = details.tags
    if snapshot.settings.access.validates_end_users:
        return await keep_known_end_user(gateway.parts.subjects, context.principal, details)
    return details


async def _is_answered(gateway: Gateway, hooks: Hooks, exchange: Exchange, context: RequestContext) -> bool:
    """Whether a plugin has answered by requests of its own. Raises GatewayError and ClientLeftError."""
    own = await hooks.answer_request(context, InnerGateway(gateway, context, partial(_serve_inner, gateway)))
    if own is None:
        return False
    await relay_own(exchange, own)
    return True


async def _serve_inner(gateway: Gateway, exchange: InnerExchange) -> None:
    """Answer a request that the gateway makes to itself."""
    path = exchange.head.path
    endpoint = next((one for one in MODEL_ENDPOINTS if path == f"/v1/{one.value}"), None)
    try:
        if endpoint is not None:
            await infer(gateway, endpoint, exchange, "")
        elif not await lead_request(gateway, exchange, path):
            raise NotFound(f"There is no such route: {path[:200]}.")
    except ClientLeftError:
        return
    except GatewayError as error:
        await send_error(exchange, error, new_charge_id())


async def _inspect(
    hooks: Hooks, context: RequestContext, settlement: Settlement, group: ModelGroup
) -> ModelGroup:
    """Have the request inspected; return the model that answers it. Raises GatewayError."""
    if hooks.has_guard_request:
        await _guard(hooks.guard_request(context), settlement)
    open_guards = hooks.open_guards
    if hooks.has_open_guards and (opened := await open_guards(context)):
        await _guard(settlement.watch(opened), settlement)
    return group if context.own_answer is None else answering_itself(group, context.own_answer)


async def _guard(checking: Awaitable[_Value], settlement: Settlement) -> _Value:
    """What a check before the call returns; one that refuses costs nothing and takes no slot."""
    try:
        return await checking
    except Exception as raised:
        await settlement.release(as_gateway_error(raised))
        raise


async def _send(snapshot: Snapshot, exchange: Exchange, context: RequestContext, error: GatewayError) -> None:
    if exchange.is_begun:
        await exchange.end(error_event(error))
        return
    tells = snapshot.settings.general.include_call_id_in_error_body
    await send_error(exchange, error, context.call_id, tells_call_id=tells)
