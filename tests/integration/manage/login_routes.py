"""How many SQL statements each step of a login takes, by the kind of login."""

from collections.abc import Mapping

__all__ = ["STATEMENTS"]

STATEMENTS: Mapping[str, Mapping[str, int]] = {
    "password": {
        "POST /invitation/new": 5,
        "GET /invitation/info": 1,
        "GET /onboarding/get_token": 2,
        "POST /onboarding/claim_token": 14,
        "POST /invitation/update": 5,
        "POST /invitation/delete": 3,
        "POST /login": 7,
        "POST /v2/login": 7,
        "POST /user/password/change": 8,
        "POST /session/logout": 3,
    },
    "provider": {
        "GET /sso/debug/login": 0,
        "GET /sso/debug/callback": 0,
        "GET /sso/key/generate": 0,
        "GET /sso/callback": 16,
    },
    "terminal": {
        "POST /sso/cli/start": 3,
        "POST /sso/cli/complete/{login_id:str}": 2,
        "GET /sso/cli/poll/{key_id:str}": 7,
    },
    "mcp": {
        "GET /authorize/{server_name:str}": 5,
        "GET /callback": 4,
        "POST /v1/mcp/server/oauth/{server_id:str}/register": 1,
        "GET /v1/mcp/server/oauth/{server_id:str}/authorize": 4,
        "POST /v1/mcp/server/oauth/{server_id:str}/token": 3,
        "GET /v1/mcp/server/{server_id:str}/oauth-user-credential/status": 2,
        "DELETE /v1/mcp/server/{server_id:str}/oauth-user-credential": 3,
        "POST /v1/mcp/server/{server_id:str}/oauth-user-credential": 4,
    },
    "credential": {
        "GET /v1/mcp/oauth/authorize": 6,
        "POST /v1/mcp/oauth/authorize": 8,
        "POST /v1/mcp/oauth/token": 7,
    },
    "facade": {
        "POST /{mcp_server_name:str}/register": 0,
        "GET /{mcp_server_name:str}/authorize": 4,
        "POST /authorize": 3,
        "POST /{mcp_server_name:str}/token": 7,
    },
    "bridge": {
        "POST /authorize": 5,
        "GET /authorize/mcp-session/login": 6,
        "GET /authorize/mcp-session/finish": 5,
    },
    "grant": {
        "POST /register": 0,
        "GET /authorize": 4,
        "POST /authorize": 3,
        "POST /token": 7,
        "POST /introspect": 1,
        "POST /revoke": 7,
    },
}
