"""Every error that Gatewright raises on purpose, as one tree.

GatewayError                         500 internal_server_error
├── BadRequest                       400 invalid_request_error
│   ├── MalformedBody                400 the body is not what its route reads
│   ├── UnknownModel                 400 no such model
│   ├── BannedParameter              400 a member that a caller may not send
│   ├── UnsupportedParams            400 a parameter that the deployment does not take
│   └── GuardrailBlocked             400 a guardrail refused the content
├── AuthenticationFailed             401 auth_error
│   ├── TokenNotFound                401 token_not_found_in_db
│   ├── KeyExpired                   401 expired_key
│   └── McpTokenRefused              401 a token that the gateway has signed holds no more
├── PermissionDenied                 403 auth_error
│   └── ModelAccessDenied            403 <object>_model_access_denied
├── NotFound                         404 not_found_error
│   └── NotServed                    404 a path that may be of others
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

from gateway.errors.callers import (
    AuthenticationFailed,
    KeyExpired,
    McpTokenRefused,
    ModelAccessDenied,
    PermissionDenied,
    TokenNotFound,
)
from gateway.errors.limits import BudgetExceeded, RateLimited
from gateway.errors.outages import (
    DatabaseUnavailable,
    NoDeploymentAvailable,
    ServiceUnavailable,
    TransactionConflict,
)
from gateway.errors.requests import (
    BadRequest,
    BannedParameter,
    BodyTooLarge,
    BodyTooSlow,
    Conflict,
    GuardrailBlocked,
    MalformedBody,
    MethodNotAllowed,
    NotFound,
    NotServed,
    UnknownModel,
    UnsupportedMediaType,
    UnsupportedParams,
    ValidationFailed,
)
from gateway.errors.root import GatewayError
from gateway.errors.startup import ConfigError, ConfigErrors, PluginError, SchemaError, StartupError
from gateway.errors.upstream import (
    ContentPolicyViolation,
    ContextWindowExceeded,
    UpstreamAuthenticationFailed,
    UpstreamBadRequest,
    UpstreamBroken,
    UpstreamError,
    UpstreamGarbled,
    UpstreamInternalError,
    UpstreamNotFound,
    UpstreamPermissionDenied,
    UpstreamRateLimited,
    UpstreamTimeout,
    UpstreamUnavailable,
    UpstreamUnprocessable,
    UpstreamUnreachable,
)

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
