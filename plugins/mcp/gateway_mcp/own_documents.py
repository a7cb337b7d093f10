"""What the gateway says of itself to clients that look for tokens (RFC 9728, RFC 8414)."""

from gateway_mcp.wire import Object

__all__ = ["CREDENTIALS", "describe_issuer", "describe_resource"]

_AGGREGATE = "/mcp"
CREDENTIALS = "/v1/mcp/oauth"
"""The path of the authorization server that asks people for credentials of MCP servers."""


def describe_resource(base: str, path: str) -> Object:
    """What is at a path of the gateway's, and who grants tokens for it."""
    return {
        "resource": base + path,
        "authorization_servers": [base + _AGGREGATE],
        "scopes_supported": [],
        "bearer_methods_supported": ["header"],
    }


def describe_issuer(base: str, *, asks_for_credentials: bool = False) -> Object:
    """The gateway as an authorization server; it is one, under whichever path a client looks.

    But for the one that asks people for credentials of MCP servers.
    """
    below = base + CREDENTIALS if asks_for_credentials else base
    return {
        "issuer": base + (CREDENTIALS if asks_for_credentials else _AGGREGATE),
        "authorization_endpoint": f"{below}/authorize",
        "token_endpoint": f"{below}/token",
        "registration_endpoint": f"{base}/register",
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
