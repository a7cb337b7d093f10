"""Object permissions and access groups."""

from piccolo.columns import JSONB, Array, Text
from piccolo.table import Table

from gateway.db.columns import TimestampMillis, utc_now_millis
from gateway.ids import new_id

__all__ = ["AccessGroupTable", "ObjectPermissionTable"]


class ObjectPermissionTable(Table, tablename="LiteLLM_ObjectPermissionTable"):
    """What an owner may reach besides models: MCP servers, agents, vector stores, tools, skills."""

    object_permission_id = Text(default=new_id, primary_key=True)
    mcp_servers = Array(Text(), default=list, null=True)
    vector_stores = Array(Text(), default=list, null=True)
    mcp_access_groups = Array(Text(), default=list, null=True)
    mcp_tool_permissions = JSONB(default=None, null=True)
    agents = Array(Text(), default=list, null=True)
    agent_access_groups = Array(Text(), default=list, null=True)
    blocked_tools = Array(Text(), default=list, null=True)
    models = Array(Text(), default=list, null=True)
    mcp_toolsets = Array(Text(), default=list, null=True)
    search_tools = Array(Text(), default=list, null=True)
    skills = Array(Text(), default=list, null=True)


class AccessGroupTable(Table, tablename="LiteLLM_AccessGroupTable"):
    """A named group of models, MCP servers and agents that keys and teams can be given."""

    access_group_id = Text(default=new_id, primary_key=True)
    access_group_name = Text(default=None, required=True, unique=True)
    description = Text(default=None, null=True)
    access_mcp_server_ids = Array(Text(), default=list, null=True)
    access_agent_ids = Array(Text(), default=list, null=True)
    assigned_team_ids = Array(Text(), default=list, null=True)
    assigned_key_ids = Array(Text(), default=list, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)
    access_model_names = Array(Text(), default=list, null=True)
