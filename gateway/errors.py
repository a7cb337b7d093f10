"""Every error that Gatewright raises on purpose, as one tree.

GatewayError                         500 internal_server_error
├── BadRequest                       400 invalid_request_error
│   ├── MalformedBody                400 the body is not what its route reads
│   ├── UnknownModel                 400 no such model
│   ├── BannedParameter              400 a member that a caller may not send
│   └── GuardrailBlocked             400 a guardrail refused the content
├── AuthenticationFailed             401 auth_error
│   ├── TokenNotFound                401 token_not_found_in_db
│   ├── KeyExpired                   401 expired_key
│   └── McpTokenRefused              401 a token that the gateway has signed holds no more
├── PermissionDenied                 403 auth_error
│   └── ModelAccessDenied            403 <object>_model_access_denied
├── NotFound                         404 not_found_error
├── MethodNotAllowed                 405 invalid_request_error
├── BodyTooSlow                      408 timeout_error
├── Conflict                         409 bad_request_error
├── BodyTooLarge                     413 invalid_request_error
├── UnsupportedMediaType             415 invalid_request_error
├── ValidationFailed                 422 validation_error
├── BudgetExceeded                   422 budget_exceeded (the status is a setting)
├── RateLimited                      429 rate_limit_error
├── NoDeploymentAvailable            429 no_deployment_available
├── ServiceUnavailable               503 service_unavailable
│   └── DatabaseUnavailable          503 no_db_connection
│       └── TransactionConflict      503 service_unavailable
├── UpstreamError                    what a model provider did; the status is the provider's
│   ├── UpstreamBadRequest           400 invalid_request_error
│   │   ├── ContextWindowExceeded    400 context_length_exceeded
│   │   └── ContentPolicyViolation   400 content_policy_violation
│   ├── UpstreamAuthenticationFailed 401 authentication_error
│   ├── UpstreamPermissionDenied     403 permission_denied_error
│   ├── UpstreamNotFound             404 not_found_error
│   ├── UpstreamTimeout              408 timeout_error
│   ├── UpstreamUnprocessable        422 unprocessable_entity_error
│   ├── UpstreamRateLimited          429 rate_limit_error
│   ├── UpstreamInternalError        500 internal_server_error
│   ├── UpstreamUnreachable          500 api_connection_error: certainly not sent, or answered by nobody
│   ├── UpstreamGarbled              502 bad_gateway_error: the answer cannot be read
│   ├── UpstreamBroken               502 bad_gateway_error: the answer broke off
│   └── UpstreamUnavailable          503 service_unavailable_error
└── StartupError                     never sent to a client; printed by the command, which then ends
    ├── ConfigError                  a setting is wrong: file, line, key path, allowed values
    │   └── ConfigErrors             several are; a line each
    ├── PluginError                  a plugin cannot be used: plugin, and the misspelt word
    └── SchemaError                  the database is not one that this release can serve
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar

__all__ = [
    "AuthenticationFailed",
    "BadRequest",
    "BannedParameter",
    "BodyTooLarge",
    "BodyTooSlow",
    "BudgetExceeded",
    "ConfigError",
    "ConfigErrors",
    "Conflict",
    "ContentPolicyViolation",
    "ContextWindowExceeded",
    "DatabaseUnavailable",
    "GatewayError",
    "GuardrailBlocked",
    "KeyExpired",
    "MalformedBody",
    "McpTokenRefused",
    "MethodNotAllowed",
    "ModelAccessDenied",
    "NoDeploymentAvailable",
    "NotFound",
    "NotServed",
    "PermissionDenied",
    "PluginError",
    "RateLimited",
    "SchemaError",
    "ServiceUnavailable",
    "StartupError",
    "TokenNotFound",
    "TransactionConflict",
    "UnknownModel",
    "UnsupportedMediaType",
    "UnsupportedParams",
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
    "ValidationFailed",
]


class GatewayError(Exception):
    """An error with everything that an OpenAI-shaped answer needs.

    `message` is a sentence for the API user: what was wrong, where, and what to do. `param` names the
    offending member or header. `headers` go on the answer (`retry-after`). `details` are further
    machine-readable members of the error object. `status` and `type` override those of the class.
    `envelope` are members beside the error object, for clients that look for another protocol's answer.
    """

    status: int = 500
    type: str = "internal_server_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, object] | None = None,
        status: int | None = None,
        type: str | None = None,  # noqa: A002  the member of the OpenAI error object has this name
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers = headers or {}
        self.details = details or {}
        self.envelope: Mapping[str, object] = {}
        if status is not None:
            self.status = status
        if type is not None:
            self.type = type


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


class AuthenticationFailed(GatewayError):
    """No credential, a malformed one, or one that is blocked."""

    status = 401
    type = "auth_error"


class TokenNotFound(AuthenticationFailed):
    """A well-formed key that nobody issued."""

    type = "token_not_found_in_db"


class KeyExpired(AuthenticationFailed):
    """A key whose time is over."""

    type = "expired_key"


class McpTokenRefused(AuthenticationFailed):
    """The gateway has signed this token for a client of MCP, and it is over, taken back or blocked."""


class PermissionDenied(GatewayError):
    """Known, but not allowed to do this."""

    status = 403
    type = "auth_error"


class ModelAccessDenied(PermissionDenied):
    """An object on the request (key, team, user, ...) may not use the model; the list is never named."""

    type = "key_model_access_denied"


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


class BudgetExceeded(GatewayError):
    """A budget is used up; `details` carry scope, spend, limit (USD) and reset time.

    `key_model` is the model or pattern of a budget that a key has for it, None for any other budget.
    """

    status = 422
    type = "budget_exceeded"
    key_model: str | None = None


class RateLimited(GatewayError):
    """A rate limit is used up; `headers` carry an exact `retry-after` in seconds."""

    status = 429
    type = "rate_limit_error"


class NoDeploymentAvailable(GatewayError):
    """Every deployment of the model is cooling down or excluded."""

    status = 429
    type = "no_deployment_available"


class ServiceUnavailable(GatewayError):
    """The gateway cannot do this now; trying later may help."""

    status = 503
    type = "service_unavailable"


class DatabaseUnavailable(ServiceUnavailable):
    """PostgreSQL does not answer, or its connection pool is exhausted."""

    type = "no_db_connection"


class TransactionConflict(DatabaseUnavailable):
    """PostgreSQL rolled a transaction back because of another one: a deadlock, or a serialization failure."""

    type = "service_unavailable"


class UpstreamError(GatewayError):
    """A model provider failed.

    `retry_after_seconds` is the provider's wish, if it stated one. `is_sent` says whether the request may
    have reached the provider, so that a retry may be charged twice there.
    """

    status = 502
    type = "upstream_error"
    litellm_class: ClassVar[str] = "APIError"
    retry_after_seconds: float | None = None
    is_sent: bool = True


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


class StartupError(GatewayError):
    """Why the gateway does not start; printed by the command without a traceback."""


class ConfigError(StartupError):
    """A setting is wrong.

    `path` is the key path (`model_list[2].litellm_params.model`), `file` and `line` (from 1) where it
    stands, `allowed` the values that would have been accepted, `reason` the message without all that.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        file: str | None = None,
        line: int | None = None,
        allowed: Sequence[str] = (),
    ) -> None:
        where = ":".join(str(part) for part in (file, line) if part is not None)
        parts = [part for part in (where, path) if part]
        text = ": ".join([*parts, message])
        if allowed:
            text += f" Allowed: {', '.join(allowed)}."
        super().__init__(text)
        self.reason = message
        self.path = path
        self.file = file
        self.line = line
        self.allowed = tuple(allowed)

    def at(self, file: str, line: int) -> "ConfigError":
        """The same error with the place where its setting stands."""
        return ConfigError(self.reason, path=self.path, file=file, line=line, allowed=self.allowed)

    @property
    def errors(self) -> "tuple[ConfigError, ...]":
        """The single errors that this one stands for."""
        return (self,)


class ConfigErrors(ConfigError):
    """Several settings are wrong: a line each. `path`, `file`, `line` and `allowed` are the first one's."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        first = errors[0]
        super().__init__("", path=first.path, file=first.file, line=first.line, allowed=first.allowed)
        self._errors = tuple(errors)
        self.message = "\n".join(error.message for error in self._errors)
        self.args = (self.message,)

    @property
    def errors(self) -> tuple[ConfigError, ...]:
        """The single errors, by file and line."""
        return self._errors


class PluginError(StartupError):
    """A plugin cannot be loaded; the message names the plugin and the hook, argument or setting."""

    def __init__(self, plugin: str, message: str) -> None:
        super().__init__(f"Plugin '{plugin}': {message}")
        self.plugin = plugin


class SchemaError(StartupError):
    """The database schema is not one that this release can serve; the message says what to run."""
