"""What the gateway says of itself to clients that look for tokens (RFC 9728, RFC 8414)."""

from gateway_mcp.wire import Object

__all__ = ["describe_issuer", "describe_resource"]

_AGGREGATE = "/mcp"


def describe_resource(base: str, path: str) -> Object:
    """What is at a path of the gateway's, and who grants tokens for it."""
    return {
        "resource": base + path,
        "authorization_servers": [base + _AGGREGATE],
        "scopes_supported": [],
        "bearer_methods_supported": ["header"],
    }


def describe_issuer(base: str) -> Object:
    """The gateway as an authorization server; it is one, under whichever path a client looks."""
    return {
        "issuer": base + _AGGREGATE,
        "authorization_endpoint": f"{base}/authorize",
        "token_endpoint": f"{base}/token",
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
