"""What model providers, and other services that requests go to, did."""

from typing import ClassVar

from gateway.errors.root import GatewayError

__all__ = [
    "ContentPolicyViolation",
    "ContextWindowExceeded",
    "UpstreamAuthenticationFailed",
    "UpstreamBadRequest",
    "UpstreamBroken",
    "UpstreamError",
    "UpstreamGarbled",
    "UpstreamInternalError",
    "UpstreamNotFound",
    "UpstreamPermissionDenied",
    "UpstreamRateLimited",
    "UpstreamTimeout",
    "UpstreamUnavailable",
    "UpstreamUnprocessable",
    "UpstreamUnreachable",
]


class UpstreamError(GatewayError):
    """A model provider failed.

    `retry_after_seconds` is the provider's wish, if it stated one. `is_sent` says whether the request may
    have reached the provider, so that a retry may be charged twice there. `place` is who failed, where that
    is known: the deployment's id, its provider and the provider's name of the model.
    """

    status = 502
    type = "upstream_error"
    litellm_class: ClassVar[str] = "APIError"
    retry_after_seconds: float | None = None
    is_sent: bool = True
    place: tuple[str, str, str] | None = None


class UpstreamBadRequest(UpstreamError):
    """The provider refused the request as wrong."""

    status = 400
    type = "invalid_request_error"
    litellm_class = "BadRequestError"


class ContextWindowExceeded(UpstreamBadRequest):
    """The prompt is longer than the model's context."""

    type = "context_length_exceeded"
    litellm_class = "ContextWindowExceededError"


class ContentPolicyViolation(UpstreamBadRequest):
    """The provider's own safety system refused the content."""

    type = "content_policy_violation"
    litellm_class = "ContentPolicyViolationError"


class UpstreamAuthenticationFailed(UpstreamError):
    """The deployment's credential was refused."""

    status = 401
    type = "authentication_error"
    litellm_class = "AuthenticationError"


class UpstreamPermissionDenied(UpstreamError):
    """The deployment's credential lacks a right."""

    status = 403
    type = "permission_denied_error"
    litellm_class = "PermissionDeniedError"


class UpstreamNotFound(UpstreamError):
    """The provider does not know the model or path."""

    status = 404
    type = "not_found_error"
    litellm_class = "NotFoundError"


class UpstreamTimeout(UpstreamError):
    """The provider took longer than the deployment's timeout."""

    status = 408
    type = "timeout_error"
    litellm_class = "Timeout"


class UpstreamUnprocessable(UpstreamError):
    """The provider could read the request and would not process it."""

    status = 422
    type = "unprocessable_entity_error"
    litellm_class = "UnprocessableEntityError"


class UpstreamRateLimited(UpstreamError):
    """The provider's rate limit or quota is used up."""

    status = 429
    type = "rate_limit_error"
    litellm_class = "RateLimitError"


class UpstreamInternalError(UpstreamError):
    """The provider failed inside."""

    status = 500
    type = "internal_server_error"
    litellm_class = "InternalServerError"


class UpstreamUnreachable(UpstreamError):
    """No connection to the provider, or it closed the connection without an answer."""

    status = 500
    type = "api_connection_error"
    litellm_class = "APIConnectionError"
    is_sent = False


class UpstreamGarbled(UpstreamError):
    """The provider's answer cannot be read."""

    type = "bad_gateway_error"
    litellm_class = "BadGatewayError"


class UpstreamBroken(UpstreamError):
    """The provider's answer broke off."""

    type = "bad_gateway_error"
    litellm_class = "BadGatewayError"


class UpstreamUnavailable(UpstreamError):
    """The provider says that it is overloaded or down."""

    status = 503
    type = "service_unavailable_error"
    litellm_class = "ServiceUnavailableError"
