"""MCP servers, toolsets and credentials of users for them."""

from piccolo.columns import JSONB, Array, Boolean, Text
from piccolo.table import Table

from gateway.db.columns import TimestampMillis, utc_now_millis
from gateway.ids import new_id

__all__ = ["MCPServerTable", "MCPToolsetTable", "MCPUserCredentials"]


class MCPServerTable(Table, tablename="LiteLLM_MCPServerTable"):
    """An MCP server behind the gateway."""

    server_id = Text(default=new_id, primary_key=True)
    server_name = Text(default=None, null=True)
    description = Text(default=None, null=True)
    url = Text(default=None, null=True)
    transport = Text(default="sse")
    auth_type = Text(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis, null=True)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis, null=True)
    updated_by = Text(default=None, null=True)
    status = Text(default="unknown", null=True)
    last_health_check = TimestampMillis(default=None, null=True)
    health_check_error = Text(default=None, null=True)
    mcp_info = JSONB(default="{}", null=True)
    args = Array(Text(), default=list, null=True)
    command = Text(default=None, null=True)
    env = JSONB(default="{}", null=True)
    mcp_access_groups = Array(Text(), default=list, null=True)
    alias = Text(default=None, null=True)
    allowed_tools = Array(Text(), default=list, null=True)
    extra_headers = Array(Text(), default=list, null=True)
    static_headers = JSONB(default="{}", null=True)
    credentials = JSONB(default="{}", null=True)
    authorization_url = Text(default=None, null=True)
    registration_url = Text(default=None, null=True)
    token_url = Text(default=None, null=True)
    allow_all_keys = Boolean(default=False)
    available_on_public_internet = Boolean(default=True)
    spec_path = Text(default=None, null=True)
    byok_api_key_help_url = Text(default=None, null=True)
    byok_description = Array(Text(), default=list, null=True)
    is_byok = Boolean(default=False)
    tool_name_to_description = JSONB(default="{}", null=True)
    tool_name_to_display_name = JSONB(default="{}", null=True)
    approval_status = Text(default="active", index=True, null=True)
    submitted_by = Text(default=None, null=True)
    submitted_at = TimestampMillis(default=None, null=True)
    reviewed_at = TimestampMillis(default=None, null=True)
    review_notes = Text(default=None, null=True)
    source_url = Text(default=None, null=True)
    instructions = Text(default=None, null=True)
    delegate_auth_to_upstream = Boolean(default=False)
    oauth_passthrough = Boolean(default=False)


class MCPToolsetTable(Table, tablename="LiteLLM_MCPToolsetTable"):
    """A named set of tools of several MCP servers."""

    toolset_id = Text(default=new_id, primary_key=True)
    toolset_name = Text(default=None, required=True, unique=True)
    description = Text(default=None, null=True)
    tools = JSONB(default="[]")
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)


class MCPUserCredentials(Table, tablename="LiteLLM_MCPUserCredentials"):
    """A user's own credential for an MCP server, encrypted."""

    id = Text(default=new_id, primary_key=True)
    user_id = Text(default=None, required=True)
    server_id = Text(default=None, required=True)
    credential_b64 = Text(default=None, required=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
