"""Requests that go on from a stored response: whose it is, and the only place that knows it."""

import msgspec

from gateway.db.sealing import Seal
from gateway.domain import Endpoint, ModelGroup, StoredResponse
from gateway.errors import BadRequest, MalformedBody
from gateway.hooks import RequestBody, RequestContext
from gateway.pipeline.sealed_ids import open_id

__all__ = ["PREVIOUS", "keep_place", "read_previous", "tell_provider"]

PREVIOUS = "previous_response_id"
_encode = msgspec.json.Encoder().encode


def read_previous(seal: Seal, context: RequestContext) -> None:
    """Open the id that a request goes on from, if it names one. Raises BadRequest."""
    if context.endpoint is not Endpoint.RESPONSES or PREVIOUS not in context.body.members:
        return
    named = context.body.read(PREVIOUS)
    if named is None:
        return
    if not isinstance(named, str):
        raise MalformedBody(f"The member '{PREVIOUS}' must be a string.", param=PREVIOUS)
    context.previous = open_id(seal, named, context.principal, PREVIOUS)


def keep_place(group: ModelGroup, previous: StoredResponse) -> ModelGroup:
    """The deployment that has the response, of those that the request may reach. Raises BadRequest."""
    kept = tuple(one for one in group.deployments if one.id == previous.deployment_id)
    if not kept:
        raise BadRequest(
            f"The response of '{PREVIOUS}' was answered by the model '{previous.model}', at a place that the "
            f"model '{group.name}' does not have, or has no more; name that model, or send the whole "
            "conversation as 'input'.",
            param=PREVIOUS,
        )
    return ModelGroup(group.name, kept)


def tell_provider(body: RequestBody, previous: StoredResponse) -> RequestBody:
    """The body with the provider's own id."""
    return RequestBody({**body.members, PREVIOUS: msgspec.Raw(_encode(previous.id))})
