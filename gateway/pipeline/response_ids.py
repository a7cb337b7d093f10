"""The ids in a response on its way to the client."""

import msgspec

from gateway.domain import ChosenBy, Deployment, StoredResponse, Usage
from gateway.hooks import RequestContext
from gateway.pipeline.call import Call
from gateway.pipeline.estimates import most_tokens
from gateway.pipeline.previous import PREVIOUS
from gateway.pipeline.sealed_ids import seal_id

__all__ = ["ResponseIds"]

_ABSENT = msgspec.Raw(b"null")
_OPERATORS = frozenset({ChosenBy.OPERATOR, ChosenBy.TENANT})
_LONGEST_NAME = 256
_decode = msgspec.json.Decoder().decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_encode = msgspec.json.Encoder().encode


class ResponseIds:
    """Writes into one response what its client may know it by: the same id in all events of a stream.

    A response that its provider does not store keeps the provider's id, for it leads nowhere.
    """

    def __init__(self, call: Call, deployment: Deployment, shown_model: str) -> None:
        self._call = call
        self._deployment = deployment
        self._model = shown_model
        self._previous = call.context.body.members.get(PREVIOUS)
        self._is_stored = _is_stored(call.context, deployment) and len(shown_model) <= _LONGEST_NAME
        self._sealed: dict[str, msgspec.Raw] = {}

    def write_body(self, body: bytes, usage: Usage | None) -> bytes:
        """A whole response with the client's ids; `usage` is what its provider states."""
        members = _decode_members(body)
        is_exact = usage is not None and not usage.is_estimated
        self._write(members, usage.total_tokens if usage is not None and is_exact else None)
        return _encode(members)

    def write(self, members: dict[str, msgspec.Raw]) -> None:
        """Put the client's ids into a response of a stream, whose tokens nobody knows yet."""
        self._write(members, None)

    def _write(self, members: dict[str, msgspec.Raw], tokens: int | None) -> None:
        if self._previous is not None and bytes(members.get(PREVIOUS, _ABSENT)) != bytes(_ABSENT):
            members[PREVIOUS] = self._previous
        if self._is_stored:
            stated: object = _decode(members.get("id", _ABSENT))
            if isinstance(stated, str) and stated:
                members["id"] = self._seal(stated, tokens)

    def _seal(self, identifier: str, tokens: int | None) -> msgspec.Raw:
        found = self._sealed.get(identifier)
        if found is None:
            stored = StoredResponse(
                id=identifier,
                deployment_id=self._deployment.id,
                model=self._model,
                tokens=self._count(tokens),
                is_guarded=self._call.guards is not None,
            )
            seal = self._call.gateway.parts.added.seal
            found = msgspec.Raw(_encode(seal_id(seal, stored, self._call.context.principal)))
            self._sealed[identifier] = found
        return found

    def _count(self, tokens: int | None) -> int:
        """The tokens that a provider reads again, at most as many as the model can read."""
        if tokens is None:
            tokens = most_tokens(self._call.context, self._deployment, self._call.snapshot.settings)
        most = self._deployment.max_input_tokens
        return min(tokens, most) if most else tokens


def _is_stored(context: RequestContext, deployment: Deployment) -> bool:
    """Whether the response is in the store of an account that the gateway can lead to again."""
    if context.own_answer is not None or deployment.chosen_by not in _OPERATORS:
        return False
    defaults = deployment.response_defaults
    wanted = context.body.members.get("store", defaults.get("store", _ABSENT))
    return "store" in deployment.dropped_params or bytes(wanted) != b"false"
