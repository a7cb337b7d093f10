"""What is wrong with a request, or with what it is about."""

from gateway.errors.root import GatewayError

__all__ = [
    "BadRequest",
    "BannedParameter",
    "BodyTooLarge",
    "BodyTooSlow",
    "Conflict",
    "GuardrailBlocked",
    "MalformedBody",
    "MethodNotAllowed",
    "NotFound",
    "NotServed",
    "UnknownModel",
    "UnsupportedMediaType",
    "UnsupportedParams",
    "ValidationFailed",
]


class BadRequest(GatewayError):
    """The request is wrong in a way that only its sender can mend."""

    status = 400
    type = "invalid_request_error"


class MalformedBody(BadRequest):
    """The body is not JSON, or not of the shape that its route reads."""


class UnknownModel(BadRequest):
    """The model name is neither a deployment, nor an alias, nor covered by a wildcard."""


class BannedParameter(BadRequest):
    """The body carries a member that would choose the upstream, a credential or a price."""


class UnsupportedParams(BadRequest):
    """The deployment does not take a parameter of the request; `param` names the first."""


class GuardrailBlocked(BadRequest):
    """A guardrail refused the content; `details` carry the guardrail's name."""

    type = "guardrail_blocked"


class NotFound(GatewayError):
    """The named thing does not exist, or the caller may not know that it does."""

    status = 404
    type = "not_found_error"


class NotServed(NotFound):
    """Nobody has the name with which the path begins: it may be a path of others."""

    def __init__(self) -> None:
        super().__init__("There is nothing here.")


class MethodNotAllowed(GatewayError):
    """The path exists, with other methods."""

    status = 405
    type = "invalid_request_error"


class Conflict(GatewayError):
    """The change contradicts what is stored."""

    status = 409
    type = "bad_request_error"


class BodyTooLarge(GatewayError):
    """The body passed the limit while it was being read (RFC 9110 section 15.5.14)."""

    status = 413
    type = "invalid_request_error"


class BodyTooSlow(GatewayError):
    """The body did not arrive in time (RFC 9110 section 15.5.9)."""

    status = 408
    type = "timeout_error"


class UnsupportedMediaType(GatewayError):
    """The content type is not one that the route reads (RFC 9110 section 15.5.16)."""

    status = 415
    type = "invalid_request_error"


class ValidationFailed(GatewayError):
    """A field of a management request has a wrong type or value."""

    status = 422
    type = "validation_error"
