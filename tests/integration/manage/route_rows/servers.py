"""What is asked of MCP servers, toolsets and what users give for them."""

from tests.integration.manage.asked import Asked

__all__ = ["ROWS"]

_SERVERS, _TOOLSETS = "/v1/mcp/server", "/v1/mcp/toolset"
_ONE = f"{_SERVERS}/{{server_id:str}}"
_VARIABLES = {"env_vars": [{"name": "REGION"}], "static_headers": {"x-region": "${{REGION}}"}}
_SERVER = {"server_name": "one", "url": "{mcp_url}"}

ROWS: tuple[Asked, ...] = (
    Asked(0, "GET /mcp/enabled"),
    Asked(0, "GET /v1/mcp/discover"),
    Asked(0, "GET /v1/mcp/openapi-registry"),
    Asked(0, "GET /v1/mcp/network/client-ip"),
    Asked(0, "POST /mcp-rest/test/connection", _SERVER),
    Asked(0, "POST /mcp-rest/test/tools/list", _SERVER),
    Asked(2, f"POST {_SERVERS}/oauth/session", _SERVER),
    Asked(5, f"POST {_SERVERS}/import", {"mcp_servers": {"brought": {"url": "{mcp_url}"}}}),
    Asked(5, f"POST {_SERVERS}", {**_SERVER, **_VARIABLES}, keeps={"server_id": "server_id"}),
    Asked(2, f"GET {_ONE}/user-env-vars", by="user_key"),
    Asked(6, f"POST {_ONE}/user-env-vars", {"values": {"REGION": "north"}}, by="user_key"),
    Asked(3, "GET /v1/mcp/user-env-vars/status", by="user_key"),
    Asked(4, f"DELETE {_ONE}/user-env-vars", by="user_key"),
    Asked(6, f"PUT {_SERVERS}", {"server_id": "{server_id}", "env_vars": [], "static_headers": {}}),
    Asked(4, f"POST {_ONE}/pin"),
    Asked(4, f"DELETE {_ONE}/pin"),
    Asked(6, f"PUT {_SERVERS}", {"server_id": "{server_id}", "auth_type": "api_key", "is_byok": True}),
    Asked(4, f"POST {_ONE}/user-credential", {"credential": "mine-0123456789"}, by="user_key"),
    Asked(3, "GET /v1/mcp/user-credentials", by="user_key"),
    Asked(3, f"DELETE {_ONE}/user-credential", by="user_key"),
    Asked(2, f"GET {_ONE}"),
    Asked(5, f"GET {_SERVERS}/health"),
    Asked(7, "POST /v1/mcp/make_public", {"mcp_server_ids": ["{server_id}"]}),
    Asked(1, "GET /public/mcp_hub"),
    Asked(1, "GET /v1/mcp/registry.json"),
    Asked(
        6,
        f"POST {_TOOLSETS}",
        {"toolset_name": "set", "tools": [{"server_id": "{server_id}", "tool_name": "add"}]},
        keeps={"toolset_id": "toolset_id"},
    ),
    Asked(4, f"PUT {_TOOLSETS}", {"toolset_id": "{toolset_id}", "description": "x"}),
    Asked(1, f"GET {_TOOLSETS}/{{toolset_id:str}}"),
    Asked(4, f"DELETE {_TOOLSETS}/{{toolset_id:str}}"),
    Asked(6, f"DELETE {_ONE}"),
    Asked(
        5,
        f"POST {_SERVERS}/register",
        {"server_name": "sent", "url": "https://mcp.example.com/mcp"},
        by="user_key",
        keeps={"server_id": "server_id"},
    ),
    Asked(6, f"PUT {_ONE}/approve"),
    Asked(
        5,
        f"POST {_SERVERS}/register",
        {"server_name": "bad", "url": "https://mcp.example.com/mcp"},
        by="user_key",
        keeps={"server_id": "server_id"},
    ),
    Asked(3, f"PUT {_ONE}/reject", {}),
    Asked(0, "GET /v1/mcp/sessions"),
    Asked(0, "DELETE /v1/mcp/sessions", query={"user_id": "u-1"}),
)
