"""The parts of OpenAI's answers that the gateway reads; everything else stays as it came."""

import msgspec

__all__ = ["AnswerEnvelope", "ErrorEnvelope"]

_ABSENT = msgspec.Raw(b"null")


class AnswerEnvelope(msgspec.Struct, frozen=True):
    """An answer, or one chunk of a stream, with the members that the gateway looks at still encoded.

    https://platform.openai.com/docs/api-reference/chat/object and `/chat/streaming`. A member that is
    absent reads as `null`.
    """

    id: msgspec.Raw = _ABSENT
    model: msgspec.Raw = _ABSENT
    usage: msgspec.Raw = _ABSENT
    choices: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT


class ErrorEnvelope(msgspec.Struct, frozen=True):
    """An error answer; OpenAI's `error` is an object, other providers put a string or other members there.

    https://platform.openai.com/docs/guides/error-codes/api-errors. `message`, `detail`, `code` and `type`
    at the top are what some compatible servers send instead.
    """

    error: object = None
    message: object = None
    detail: object = None
    code: object = None
    type: object = None
