"""The errors of a call that failed in transport; their texts name neither address nor credential."""

from gateway.errors import (
    UpstreamBadRequest,
    UpstreamBroken,
    UpstreamError,
    UpstreamGarbled,
    UpstreamTimeout,
    UpstreamUnreachable,
)

__all__ = [
    "address_is_not_public",
    "answer_broke_off",
    "answer_is_encoded",
    "answer_is_not_http",
    "answer_is_not_json",
    "answer_is_too_large",
    "connection_failed",
    "connection_lost",
    "connection_timed_out",
    "no_answer_in_time",
    "request_is_unsendable",
    "stream_fell_silent",
]


def _error(kind: type[UpstreamError], sentence: str, *, is_sent: bool) -> UpstreamError:
    error = kind(f"litellm.{kind.litellm_class}: {sentence}")
    error.is_sent = is_sent
    return error


def connection_failed() -> UpstreamError:
    """Nobody listens, the name does not resolve, or TLS failed."""
    return _error(UpstreamUnreachable, "Cannot connect to the model provider.", is_sent=False)


def connection_timed_out() -> UpstreamError:
    """Connecting took too long; unlike a refusal this puts a deployment into cooldown."""
    return _error(UpstreamTimeout, "Connecting to the model provider took too long.", is_sent=False)


def connection_lost() -> UpstreamError:
    """The provider closed the connection without an answer; it may have worked on the request."""
    return _error(
        UpstreamUnreachable, "The model provider closed the connection without an answer.", is_sent=True
    )


def no_answer_in_time(seconds: float) -> UpstreamError:
    """The whole call took longer than the deployment's timeout."""
    return _error(
        UpstreamTimeout, f"The model provider did not answer within {seconds:g} seconds.", is_sent=True
    )


def stream_fell_silent(seconds: float) -> UpstreamError:
    """Nothing came for longer than the deployment's stream timeout."""
    return _error(UpstreamTimeout, f"The model provider sent nothing for {seconds:g} seconds.", is_sent=True)


def address_is_not_public() -> UpstreamError:
    """An address that came with the request leads to a network that is not for clients."""
    return _error(
        UpstreamBadRequest,
        "The address does not lead to a public host, and no other is allowed.",
        is_sent=False,
    )


def answer_broke_off() -> UpstreamError:
    """The connection ended, or its framing broke, inside the body."""
    return _error(UpstreamBroken, "The answer of the model provider broke off.", is_sent=True)


def answer_is_not_http() -> UpstreamError:
    """The head of the answer cannot be read, or is too large."""
    return _error(UpstreamGarbled, "The answer of the model provider cannot be read.", is_sent=True)


def answer_is_not_json() -> UpstreamError:
    """The body of a 2xx answer is not a JSON object."""
    return _error(UpstreamGarbled, "The model provider's answer is not a JSON object.", is_sent=True)


def answer_is_encoded() -> UpstreamError:
    """The answer is compressed although that was not asked for."""
    return _error(UpstreamGarbled, "The model provider answered in an encoding not asked for.", is_sent=True)


def answer_is_too_large(limit: int) -> UpstreamError:
    """The body passed the limit in bytes while it was being read."""
    return _error(
        UpstreamGarbled, f"The answer of the model provider is larger than {limit} bytes.", is_sent=True
    )


def request_is_unsendable() -> UpstreamError:
    """The deployment's address or a header is not valid HTTP."""
    return _error(UpstreamUnreachable, "The deployment's address or headers are not valid.", is_sent=False)
