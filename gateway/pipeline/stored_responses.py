"""Stored responses themselves: shown and deleted where they are, for whom they belong to."""

from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import quote

import msgspec

from gateway.domain import Deployment, Endpoint, Principal, StoredResponse
from gateway.errors import BadRequest, NotFound
from gateway.hooks import RequestBody, RequestContext, RequestHead
from gateway.ids import new_charge_id
from gateway.pipeline.admitting import authorize_request
from gateway.pipeline.memberships import settle_team
from gateway.pipeline.previous import PREVIOUS
from gateway.pipeline.sealed_ids import open_id, seal_beside, unknown_response
from gateway.runtime import Gateway, Snapshot
from gateway.upstream import faults
from gateway.upstream.client import UpstreamAnswer
from gateway.upstream.dialect import build_stored_request
from gateway.upstream.errors import error_from_answer, upstream_source

__all__ = ["ITEMS", "WHOLE", "StoredQuestion", "ask_stored"]

WHOLE, ITEMS = "", "/input_items"
"""What of a response is asked for."""
_PARAM = "response_id"
_ABSENT = b"null"
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class StoredQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody wants of a stored response: `named` is its sealed id, `query` goes to the provider."""

    named: str
    method: str = "GET"
    part: str = WHOLE
    query: Mapping[str, str] = {}


async def ask_stored(
    gateway: Gateway, head: RequestHead, caller: Principal, question: StoredQuestion
) -> bytes:
    """The provider's answer, with the ids and the name of the model that the caller knows; it costs nothing.

    Raises GatewayError: NotFound, the same for an id that is none and for one that belongs to somebody else.
    """
    snapshot = gateway.snapshot
    found = _open(gateway, caller, question.named)
    if found.is_guarded and question.method == "GET":
        raise BadRequest(
            "Guardrails watched over this response: what its provider has stored may be something else than "
            "what was answered, and is not shown.",
            param=_PARAM,
        )
    deployment = await _find_place(gateway, snapshot, head, caller, found)
    path = quote(found.id, safe="") + question.part
    request = build_stored_request(deployment, question.method, path, question.query, snapshot.bounds)
    answer = await gateway.parts.clients.client_for(deployment).send(request)
    if not 200 <= answer.status < 300:  # noqa: PLR2004  the successes of RFC 9110
        source = upstream_source(deployment, gateway.clock.now_nanos())
        hidden = msgspec.structs.replace(source, secrets=(found.id, *source.secrets))
        raise error_from_answer(answer.status, answer.headers, answer.body, hidden)
    return _show(gateway, answer, found, question)


def _open(gateway: Gateway, caller: Principal, named: str) -> StoredResponse:
    """The response, if the caller may name it as a member of any of its teams. Raises NotFound."""
    for candidate in (caller, *caller.alternatives):
        with suppress(BadRequest):
            return open_id(gateway.parts.added.seal, named, candidate, _PARAM)
    raise NotFound(unknown_response(_PARAM).message, param=_PARAM)


async def _find_place(
    gateway: Gateway, snapshot: Snapshot, head: RequestHead, caller: Principal, found: StoredResponse
) -> Deployment:
    """The deployment that has the response, if the caller may use its model still. Raises GatewayError."""
    charge_id, clock = new_charge_id(), gateway.clock
    context = RequestContext(
        head=head,
        principal=caller,
        endpoint=Endpoint.RESPONSES,
        body=RequestBody({}),
        model=found.model,
        is_stream=False,
        call_id=charge_id,
        charge_id=charge_id,
        started_nanos=clock.now_nanos(),
        started_monotonic=clock.monotonic_nanos(),
        client_address=snapshot.core.gate.client_of(head),
    )
    if caller.alternatives:
        settle_team(snapshot, context)
    details = gateway.parts.attribution.read(context)
    context.tags = details.tags
    group = await authorize_request(gateway, snapshot, context, details)
    for deployment in group.deployments:
        if deployment.id == found.deployment_id:
            return deployment
    message = "The deployment that has this response is gone, or is not for this caller any more."
    raise NotFound(message, param=_PARAM)


def _show(gateway: Gateway, answer: UpstreamAnswer, found: StoredResponse, question: StoredQuestion) -> bytes:
    try:
        members = _decode_members(answer.body)
    except (msgspec.DecodeError, RecursionError):
        raise faults.answer_is_not_json() from None
    if bytes(members.get("id", _ABSENT)) != _ABSENT:
        members["id"] = msgspec.Raw(_encode(question.named))
    if bytes(members.get("model", _ABSENT)) != _ABSENT:
        members["model"] = msgspec.Raw(_encode(found.model))
    before: object = _decode(members.get(PREVIOUS, msgspec.Raw(_ABSENT)))
    if isinstance(before, str):
        sealed = seal_beside(gateway.parts.added.seal, question.named, before)
        members[PREVIOUS] = msgspec.Raw(_encode(sealed))
    return _encode(members)
