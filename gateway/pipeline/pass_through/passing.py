"""One request of a pass-through, from its head to its settlement."""

import asyncio
from collections.abc import Collection

import msgspec
import structlog

from gateway.access.pass_through import ANYBODY
from gateway.access.pass_through_routes import is_open_to
from gateway.domain import PassThrough, Principal
from gateway.errors import AuthenticationFailed, GatewayError, McpTokenRefused, ServiceUnavailable
from gateway.hooks import RequestContext, RequestHead
from gateway.identity.credentials import brings_foreign_bearer, has_credential
from gateway.pipeline.answers import drop_frames, send_error
from gateway.pipeline.end_users import attribute_call
from gateway.pipeline.exchange import ClientLeftError
from gateway.pipeline.guarding import CallGuards
from gateway.pipeline.intake import begin_context
from gateway.pipeline.pass_through.body import BodySource, PartedExchange
from gateway.pipeline.pass_through.inspection import Inspection, read_request
from gateway.pipeline.pass_through.own_credentials import KEY_PLACE, find_own_credentials
from gateway.pipeline.pass_through.relay import Passage, end_unanswered, relay_passage
from gateway.pipeline.pass_through.settlement import PassThroughSettlement
from gateway.pipeline.settlement import record_refusal
from gateway.runtime import Gateway, Snapshot
from gateway.spend.builder import NO_DETAILS, CallDetails
from gateway.upstream.forwarding import list_brought, list_parameters
from gateway.wire.errors import error_event

__all__ = ["pass_request"]

_UNKNOWN = 401
_CHALLENGE = "www-authenticate"


async def pass_request(gateway: Gateway, one: PassThrough, below: str, exchange: PartedExchange) -> None:
    """Answer a request of a pass-through; `below` is what follows its path, decoded.

    Raises GatewayError only while nobody is known to be calling; every later failure is answered and
    recorded here. Raises ClientLeftError when the client left before it was known.
    """
    snapshot = gateway.snapshot
    head = _with_caller_header(snapshot, one, exchange.head)
    principal = await _identify(snapshot, one, head)
    if principal is ANYBODY:
        # What a stranger sends is meant for the target, unless the gateway knows it.
        one = msgspec.structs.replace(one, asks_for_key=False)
    address = snapshot.core.gate.client_of(head)
    context = begin_context(exchange, principal, one.endpoint, address)
    exchange.tell(context)
    context.model = context.routed_model = one.path
    context.holds_slot, context.cost_nanos = one.holds_slot, one.cost_nanos
    limits = snapshot.settings.gatewright.limits
    source = BodySource(exchange, snapshot.body_bytes, limits.body_seconds, gateway.bodies)
    details = NO_DETAILS
    try:
        has_body = await source.begin()
        details = await _attribute(gateway, snapshot, context)
        credentials = await find_own_credentials(snapshot, one, head)
        sent = _without_secrets(one, credentials)
        context.brought = list_brought(one, head.headers, credentials)
        address = below, list_parameters(head.query, credentials)
        read = (
            await read_request(context, source if has_body else None, *address) if one.is_read_first else None
        )
        settlement = await _admit(gateway, snapshot, context, details)
    except ClientLeftError:
        raise
    except Exception as raised:  # noqa: BLE001  a plugin's defect is answered and recorded as any refusal
        error = _as_gateway_error(raised)
        if context.tell_refusal is not None:
            context.tell_refusal(error)
        record_refusal(gateway, snapshot, context, error, details)
        await _send(snapshot, exchange, context, error)
        drop_frames(raised)
        return
    passage = Passage(gateway, snapshot, exchange, context, sent, below, settlement, source, has_body, read)
    await _carry(passage, credentials)


async def _carry(passage: Passage, credentials: Collection[str]) -> None:
    gateway, context, settlement = passage.gateway, passage.context, passage.settlement
    under_way = gateway.under_way
    under_way.begin(context.charge_id)
    try:
        await relay_passage(await _inspect(passage, credentials), credentials)
    except asyncio.CancelledError:
        if not under_way.absorb(context.charge_id):
            await settlement.charge(ServiceUnavailable("The request was stopped."))
            raise
        error = ServiceUnavailable("An administrator released what this request held, and ended it.")
        if context.tell_refusal is not None:
            context.tell_refusal(error)
        await settlement.charge(error)
        await _send(passage.snapshot, passage.exchange, context, error)
    except ClientLeftError:
        await end_unanswered(passage)
    except Exception as raised:  # noqa: BLE001  whatever went wrong, what is held must be given back
        error = _as_gateway_error(raised)
        if context.tell_refusal is not None:
            context.tell_refusal(error)
        await settlement.fail(error)
        await _send(passage.snapshot, passage.exchange, context, error)
        drop_frames(raised)
    finally:
        under_way.end(context.charge_id)


async def _inspect(passage: Passage, credentials: Collection[str]) -> Passage:
    """Have the request inspected, where it has guardrails. Raises as they do, and ClientLeftError."""
    hooks, context = passage.snapshot.pass_through_hooks, passage.context
    context.guardrails = passage.one.guardrails
    if not (hooks.has_open_guards and (opened := await hooks.open_guards(context))):
        read = passage.read
        return passage if read is None else msgspec.structs.replace(passage, inspected_body=read.data)
    guards = passage.settlement.guards = CallGuards()
    inspection = Inspection(guards, opened, context)
    read = passage.read
    if read is None:
        address = passage.below, list_parameters(context.head.query, credentials)
        read = await read_request(context, passage.source if passage.has_body else None, *address)
    body = await inspection.check_request(read)
    return msgspec.structs.replace(passage, read=read, inspection=inspection, inspected_body=body)


async def _identify(snapshot: Snapshot, one: PassThrough, head: RequestHead) -> Principal:
    if not one.asks_for_key:
        snapshot.core.gate.authenticate(head)
        return ANYBODY
    try:
        principal = await snapshot.pass_through_hooks.authenticate(head)
    except AuthenticationFailed as refusal:
        return _admit_stranger(snapshot, one, head, refusal)
    if principal is None:
        raise AuthenticationFailed("No authentication accepts this credential.")
    # As a member of the first team that may.
    if not principal.alternatives:
        return principal
    candidates = (principal, *principal.alternatives)
    return next((each for each in candidates if is_open_to(each, head.path)), principal)


def _admit_stranger(
    snapshot: Snapshot, one: PassThrough, head: RequestHead, refusal: AuthenticationFailed
) -> Principal:
    """Let in whom authentication has refused, where that is open to strangers. Raises the refusal."""
    place = snapshot.settings.general.key_header_name
    is_bare = not has_credential(head, place)
    if one.admits_strangers and is_bare:
        return ANYBODY
    is_over = isinstance(refusal, McpTokenRefused)
    is_unknown = refusal.status == _UNKNOWN and not is_over
    if one.admits_bearers and is_unknown and brings_foreign_bearer(head, place):
        return ANYBODY
    if one.challenge and (is_bare or is_over):
        # RFC 6750, 3.1: a client renews its token then.
        why = ', error="invalid_token"' if is_over else ""
        refusal.headers = {**refusal.headers, _CHALLENGE: one.challenge + why}
    raise refusal


def _with_caller_header(snapshot: Snapshot, one: PassThrough, head: RequestHead) -> RequestHead:
    """The head with the caller's key where authentication looks for it, if it came in the declared header."""
    if one.caller_header is None or one.caller_header not in head.headers:
        return head
    place = snapshot.settings.general.key_header_name or KEY_PLACE
    headers = {**head.headers, place.lower(): head.headers[one.caller_header]}
    return msgspec.structs.replace(head, headers=headers)


def _without_secrets(one: PassThrough, credentials: Collection[str]) -> PassThrough:
    """A caller whom a plugin knows may have its credential anywhere: then no header of its own is sent."""
    if one.asks_for_key and not credentials:
        return msgspec.structs.replace(one, forwards_headers=False)
    return one


async def _attribute(gateway: Gateway, snapshot: Snapshot, context: RequestContext) -> CallDetails:
    """On whose account the request goes beside its key, as far as its headers say."""
    details = await attribute_call(gateway, snapshot, context)
    context.end_user = details.end_user
    named = details.extra_scopes
    if named or context.principal.agent_rules is not None:
        context.subjects = await gateway.parts.subjects.find(context.principal, named, details.session_id)
    return details


async def _admit(
    gateway: Gateway, snapshot: Snapshot, context: RequestContext, details: CallDetails
) -> PassThroughSettlement:
    """Check the request and take what it needs of all limits. Raises GatewayError, with nothing taken."""
    hooks = snapshot.pass_through_hooks
    await hooks.authorize(context)
    # The target may have worked on it before anybody hears of it: that is charged if this worker dies.
    context.estimated_cost_nanos = context.estimated_input_nanos = context.cost_nanos
    claims = await hooks.collect_claims(context)
    admission = await hooks.admit(context, claims)
    if admission is None:
        raise GatewayError("No plugin admits requests; the gateway's own admission was replaced by nothing.")
    try:
        gateway.record_opened(context, details)
    except Exception:
        await admission.release()
        raise
    return PassThroughSettlement(gateway, snapshot, context, admission, details)


def _as_gateway_error(raised: Exception) -> GatewayError:
    if isinstance(raised, GatewayError):
        return raised
    structlog.get_logger(__name__).error("pass_through_failed", exc_info=raised)
    return GatewayError("The gateway failed at this request; its log says why.")


async def _send(
    snapshot: Snapshot, exchange: PartedExchange, context: RequestContext, error: GatewayError
) -> None:
    if exchange.is_begun:
        # An event stream says why it ends; nothing else can, and must not look whole.
        await (exchange.end(error_event(error)) if context.is_stream else exchange.abort())
        return
    tells = snapshot.settings.general.include_call_id_in_error_body
    await send_error(exchange, error, context.call_id, tells_call_id=tells)
