"""Answers that come whole: sent upstream, charged by their usage, returned as the bytes that came."""

import asyncio
from collections.abc import Awaitable

from gateway.domain import Charge, Endpoint, OnDisconnect
from gateway.errors import GatewayError
from gateway.pipeline.answers import JSON
from gateway.pipeline.attempts import Attempts
from gateway.pipeline.call import Call
from gateway.pipeline.estimates import usage_of_answer
from gateway.pipeline.exchange import ClientLeftError, Exchange
from gateway.pipeline.guarding import CallGuards
from gateway.pipeline.interruption import Interruption
from gateway.pipeline.response_headers import build_headers
from gateway.pipeline.response_ids import ResponseIds
from gateway.pipeline.sending import Answered
from gateway.pipeline.tool_names import list_called
from gateway.routing.router import Routed

__all__ = ["relay_answer"]

_CANCEL, _RESPONSES = OnDisconnect.CANCEL, Endpoint.RESPONSES


async def relay_answer(call: Call) -> None:
    """Send the request to a deployment, settle, and give the answer back.

    Only a deployment with `on_disconnect: cancel` is stopped when the client leaves; any other call runs to
    its end and is charged exactly. Raises GatewayError when no deployment answers.
    """
    attempts = Attempts(call)
    for item in call.group.deployments:
        if item.on_disconnect is _CANCEL:
            routed = await _run_stoppable(attempts, call.exchange)
            break
    else:
        routed = await attempts.run(attempts.ask)
    raw, body = routed.value.raw, routed.value.read.body
    # A fallback may have brought some.
    guards = call.settlement.guards
    if guards is None:
        charge = await _charge(call, routed, body)
    else:
        body, charge = await _guard(call, guards, routed)
    if call.context.endpoint is _RESPONSES:
        shown = attempts.shown_model(routed.group)
        body = ResponseIds(call, routed.deployment, shown).write_body(body, routed.value.read.usage)
    headers = build_headers(call, routed, raw.headers, charge)
    headers.append(JSON)
    await call.exchange.answer(raw.status, headers, body)


async def _guard(call: Call, guards: CallGuards, routed: Routed[Answered]) -> tuple[bytes, Charge]:
    """Have the answer inspected before it is charged, for the record says what was found.

    Raises what the guards raise: the call is charged all the same.
    """
    try:
        body = await guards.check_answer(routed.value.read.body)
    except GatewayError as refused:
        await _charge(call, routed, b"", refused)
        raise
    return body, await _charge(call, routed, body)


def _charge(
    call: Call, routed: Routed[Answered], body: bytes, error: GatewayError | None = None
) -> Awaitable[Charge]:
    context, read = call.context, routed.value.read
    if called := list_called(read.body):
        call.settlement.tools_called = called
    if call.settlement.transcript is not None:
        call.settlement.transcript.add(body)
    usage = read.usage
    if usage is None:
        usage = usage_of_answer(context, len(read.body))
    return call.settlement.charge(routed, usage, read.response_id or context.call_id, error=error)


async def _run_stoppable(attempts: Attempts, exchange: Exchange) -> Routed[Answered]:
    interruption = Interruption(exchange.wait_until_gone)
    interruption.watch()
    interruption.arm()
    try:
        return await attempts.run(attempts.ask)
    except asyncio.CancelledError:
        if not interruption.absorb():
            raise
        raise ClientLeftError from None
    finally:
        interruption.close()
