"""The bodies of the routes of MCP servers."""

from typing import Annotated, Any, Literal

import msgspec

__all__ = [
    "ImportRequest",
    "ImportedServer",
    "McpServerBody",
    "McpVariable",
    "NewMcpServerRequest",
    "NewToolsetRequest",
    "OAuthCredentialRequest",
    "RejectMcpServerRequest",
    "ToolsetTool",
    "UpdateMcpServerRequest",
    "UpdateToolsetRequest",
    "UserCredentialRequest",
    "UserVariablesRequest",
]

AuthType = Literal[
    "none",
    "api_key",
    "bearer_token",
    "basic",
    "authorization",
    "token",
    "oauth2",
    "aws_sigv4",
    "oauth2_token_exchange",
    "oauth2_id_jag",
    "true_passthrough",
    "oauth_delegate",
]


class McpVariable(msgspec.Struct, frozen=True, kw_only=True):
    """A value for which `${NAME}` stands in `static_headers`: each user's, or with a `value` everybody's."""

    name: str
    description: str | None = None
    scope: Literal["user", "global"] | None = None
    value: str | None = None

    __repr__ = object.__repr__


class McpServerBody(msgspec.Struct, frozen=True, kw_only=True):
    """What the routes that make and change servers have in common."""

    server_name: str | None = None
    alias: str | None = None
    description: str | None = None
    transport: Literal["http", "sse", "stdio"] | None = None
    auth_type: AuthType | None = None
    credentials: dict[str, Any] | None = None
    url: str | None = None
    spec_path: str | None = None
    mcp_info: dict[str, Any] | None = None
    mcp_access_groups: list[str] | None = None
    allowed_tools: list[str] | None = None
    tool_name_to_display_name: dict[str, str] | None = None
    tool_name_to_description: dict[str, str] | None = None
    extra_headers: list[str] | None = None
    static_headers: dict[str, str] | None = None
    instructions: str | None = None
    command: str | None = None
    args: list[str] | None = None
    env: dict[str, str] | None = None
    authorization_url: str | None = None
    token_url: str | None = None
    registration_url: str | None = None
    allow_all_keys: bool = False
    available_on_public_internet: bool = True
    delegate_auth_to_upstream: bool = False
    oauth_passthrough: bool = False
    is_byok: bool = False
    byok_description: list[str] | None = None
    byok_api_key_help_url: str | None = None
    source_url: str | None = None
    timeout: float | None = None
    rpm: int | None = None
    max_concurrent_requests: int | None = None
    max_budget: float | None = None
    budget_duration: str | None = None
    disallowed_tools: list[str] | None = None
    allowed_params: dict[str, list[str]] | None = None
    redacted_arguments: list[str] | None = None
    env_vars: list[McpVariable] | None = None
    issuer: str | None = None
    oauth2_flow: Literal["client_credentials", "authorization_code"] | None = None
    audience: str | None = None
    upstream_resource: str | None = None
    token_endpoint_auth_method: (
        Literal["client_secret_basic", "client_secret_post", "private_key_jwt"] | None
    ) = None
    token_exchange_endpoint: str | None = None
    token_exchange_profile: Literal["rfc8693", "entra_obo"] | None = None
    subject_token_type: str | None = None
    token_validation: dict[str, str | bool | int] | None = None
    token_storage_ttl_seconds: float | None = None
    per_server_oauth_discovery: bool | None = None
    dcr_bridge: bool | None = None
    allow_sampling: bool | None = None
    allow_elicitation: bool | None = None
    protocol_version: Literal["2024-11-05", "2025-03-26", "2025-06-18", "2025-11-25", "2026-07-28"] | None = (
        None
    )
    oauth_identity_binding: dict[str, Any] | None = None

    __repr__ = object.__repr__


class NewMcpServerRequest(McpServerBody, frozen=True, kw_only=True):
    """`POST /v1/mcp/server`: a new server; without a `server_id` it gets one."""

    server_id: str | None = None


class UpdateMcpServerRequest(McpServerBody, frozen=True, kw_only=True):
    """`PUT /v1/mcp/server`: what changes; null empties a member, a masked secret that is sent back stays."""

    server_id: str


class ToolsetTool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool of a server; `*` is all of them."""

    server_id: str
    tool_name: str


class NewToolsetRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/mcp/toolset`: a new set of tools."""

    toolset_name: str
    description: str | None = None
    tools: list[ToolsetTool] = []


class UpdateToolsetRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /v1/mcp/toolset`: what changes."""

    toolset_id: str
    toolset_name: str | None = None
    description: str | None = None
    tools: list[ToolsetTool] | None = None


class UserCredentialRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/mcp/server/{server_id}/user-credential`; unless it is to `save` it nothing is stored."""

    credential: str
    save: bool = True

    __repr__ = object.__repr__


class UserVariablesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/mcp/server/{server_id}/user-env-vars`: values by their names; null takes one away."""

    values: dict[str, str | None]

    __repr__ = object.__repr__


class OAuthCredentialRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/mcp/server/{server_id}/oauth-user-credential`: tokens that a user has got elsewhere."""

    access_token: str
    refresh_token: str | None = None
    expires_in: Annotated[int, msgspec.Meta(ge=0, le=10**10)] | None = None
    scopes: list[str] | None = None

    __repr__ = object.__repr__


class RejectMcpServerRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`PUT /v1/mcp/server/{server_id}/reject`: why."""

    review_notes: Annotated[str, msgspec.Meta(max_length=4_000)] | None = None


class ImportedServer(msgspec.Struct, frozen=True, kw_only=True):
    """A server as desktop clients list it; `type` is what they call its transport."""

    name: str | None = None
    server_name: str | None = None
    type: str | None = None
    transport: str | None = None
    description: str | None = None
    url: str | None = None
    headers: dict[str, str] | None = None
    command: str | None = None
    args: list[str] | None = None
    env: dict[str, str] | None = None

    __repr__ = object.__repr__


class ImportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /v1/mcp/server/import`: servers by their names, or a list of such that have a name."""

    mcp_servers: dict[str, ImportedServer] | list[ImportedServer]
