"""What the gateway says of itself to clients that look for tokens (RFC 9728, RFC 8414)."""

from gateway_mcp.upstreams import Upstream
from gateway_mcp.wire import Object

__all__ = ["CREDENTIALS", "describe_issuer", "describe_resource", "find_issuer"]

_AGGREGATE = "/mcp"
CREDENTIALS = "/v1/mcp/oauth"
"""The path of the authorization server that asks people for credentials of MCP servers."""


def find_issuer(path: str, one: Upstream | None) -> str:
    """The path of the issuer that grants tokens for a path: the gateway, or it under the name of the server.

    That is the name by which the client knows the server.
    """
    name = path.removeprefix(f"{_AGGREGATE}/").removesuffix(_AGGREGATE).removeprefix("/")
    has_own = one is not None and one.settings.per_server_oauth_discovery and name in one.names
    return f"/{name}" if has_own and "/" not in name and f"/{name}" != _AGGREGATE else _AGGREGATE


def describe_resource(base: str, path: str, issuer: str = _AGGREGATE) -> Object:
    """What is at a path of the gateway's, and who grants tokens for it."""
    return {
        "resource": base + path,
        "authorization_servers": [base + issuer],
        "scopes_supported": [],
        "bearer_methods_supported": ["header"],
    }


def describe_issuer(base: str, issuer: str = _AGGREGATE) -> Object:
    """The gateway as an authorization server; it is one, under whichever path a client looks.

    But for the one that asks people for credentials of MCP servers, and those of servers with their own.
    """
    below = base if issuer == _AGGREGATE else base + issuer
    registers = below if issuer != CREDENTIALS else base
    return {
        "issuer": base + issuer,
        "authorization_endpoint": f"{below}/authorize",
        "token_endpoint": f"{below}/token",
        "registration_endpoint": f"{registers}/register",
        "revocation_endpoint": f"{base}/revoke",
        "introspection_endpoint": f"{base}/introspect",
        "jwks_uri": f"{base}/.well-known/jwks.json",
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post"],
        "client_id_metadata_document_supported": True,
        "authorization_response_iss_parameter_supported": True,
    }
