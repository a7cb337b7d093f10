"""A provider's complete answer: what the gateway reads in it, and the name of the model that it shows."""

import msgspec

from gateway.domain import Usage
from gateway.upstream import faults
from gateway.upstream.usage import usage_from_block, usage_from_json
from gateway.wire.openai import AnswerEnvelope, PlainAnswer

__all__ = ["ReadAnswer", "find_error", "read_answer"]

_decode_plain = msgspec.json.Decoder(PlainAnswer).decode
_decode_envelope = msgspec.json.Decoder(AnswerEnvelope).decode
_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode

_MODEL = b'"model"'
_NO_ERROR = (b"null", b'""', b"{}", b"false")
_CONTENT = {"choices", "data", "output"}


class ReadAnswer(msgspec.Struct, frozen=True, gc=False):
    """The bytes for the client, and what the gateway learned from them; None where nothing was stated.

    `error` is the encoded error of an answer that is one in spite of its status, which no client gets to see.
    """

    body: bytes
    usage: Usage | None
    response_id: str | None
    error: bytes | None = None


def read_answer(body: bytes, shown_model: str | None) -> ReadAnswer:
    """Read a 2xx answer and put `shown_model` in the place of the provider's name (None leaves it).

    Nothing else changes. Raises UpstreamGarbled when the body is not a JSON object.
    """
    try:
        plain = _decode_plain(body)
        if shown_model is not None:
            body = _rename(body, bytes(plain.model), _encode(shown_model))
        return ReadAnswer(body, usage_from_block(plain.usage), plain.id)
    except msgspec.ValidationError:
        return _read_leniently(body, shown_model)
    except (msgspec.DecodeError, RecursionError):
        raise faults.answer_is_not_json() from None


def _read_leniently(body: bytes, shown_model: str | None) -> ReadAnswer:
    """Read an answer whose members are not all as OpenAI writes them."""
    try:
        envelope = _decode_envelope(body)
        found: object = _decode(envelope.id)
        if shown_model is not None:
            body = _rename(body, bytes(envelope.model), _encode(shown_model))
    except (msgspec.DecodeError, RecursionError):
        raise faults.answer_is_not_json() from None
    identifier = found if isinstance(found, str) else None
    error = None if bytes(envelope.error) in _NO_ERROR else find_error(body)
    return ReadAnswer(body, usage_from_json(envelope.usage), identifier, error)


def find_error(body: bytes) -> bytes | None:
    """The encoded `error` of a body that has one and no content: some providers answer 200 and say so there.

    https://openrouter.ai/docs/api/reference/errors-and-debugging
    """
    try:
        members = _decode_members(body)
    except (msgspec.DecodeError, RecursionError):
        return None
    error = bytes(members.get("error", b"null"))
    return None if error in _NO_ERROR or _CONTENT & members.keys() else error


def _rename(body: bytes, model: bytes, shown: bytes) -> bytes:
    if model in {b"null", shown}:
        return body
    # Inside a JSON string each quote has a backslash before it, so that a single match is the member.
    # An answer may be large: it is searched, and copied but where the name is there.
    name = body.find(_MODEL)
    behind = name + len(_MODEL)
    if name >= 0 and body.find(_MODEL, behind) < 0:
        for colon in (b":", b": "):
            end = behind + len(colon) + len(model)
            if body[behind:end] == colon + model:
                return b"".join((body[:behind], colon, shown, body[end:]))
    members = _decode_members(body)
    members["model"] = msgspec.Raw(shown)
    return _encode(members)
