"""Who is calling, and what they may not do."""

from gateway.errors.root import GatewayError

__all__ = [
    "AuthenticationFailed",
    "KeyExpired",
    "McpTokenRefused",
    "ModelAccessDenied",
    "PermissionDenied",
    "TokenNotFound",
]


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
