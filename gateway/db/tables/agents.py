"""Agents, skills, memory, plugins and workflows."""

from piccolo.columns import JSONB, Array, Boolean, Bytea, Integer, OnDelete, Text
from piccolo.table import Table

from gateway.db.columns import Money, TimestampMillis, foreign_key, utc_now_millis
from gateway.ids import new_id

__all__ = [
    "AgentsTable",
    "ClaudeCodePluginTable",
    "MemoryTable",
    "SkillsTable",
    "WorkflowEvent",
    "WorkflowMessage",
    "WorkflowRun",
]


class AgentsTable(Table, tablename="LiteLLM_AgentsTable"):
    """An A2A agent behind the gateway."""

    agent_id = Text(default=new_id, primary_key=True)
    agent_name = Text(default=None, required=True, unique=True)
    litellm_params = JSONB(default=None, null=True)
    agent_card_params = JSONB(default=None, required=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, required=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, required=True)
    agent_access_groups = Array(Text(), default=list, null=True)
    object_permission_id = foreign_key(
        "permissions.ObjectPermissionTable.object_permission_id", on_delete=OnDelete.set_null, null=True
    )
    spend = Money(default=0.0)
    static_headers = JSONB(default="{}", null=True)
    extra_headers = Array(Text(), default=list, null=True)
    tpm_limit = Integer(default=None, null=True)
    rpm_limit = Integer(default=None, null=True)
    session_tpm_limit = Integer(default=None, null=True)
    session_rpm_limit = Integer(default=None, null=True)


class SkillsTable(Table, tablename="LiteLLM_SkillsTable"):
    """A skill: instructions and files."""

    skill_id = Text(default=new_id, primary_key=True)
    display_title = Text(default=None, null=True)
    description = Text(default=None, null=True)
    instructions = Text(default=None, null=True)
    source = Text(default="custom")
    latest_version = Text(default=None, null=True)
    file_content = Bytea(default=None, null=True)
    file_name = Text(default=None, null=True)
    file_type = Text(default=None, null=True)
    metadata = JSONB(default="{}", null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)


class ClaudeCodePluginTable(Table, tablename="LiteLLM_ClaudeCodePluginTable"):
    """A plugin in the marketplace listing."""

    id = Text(default=new_id, primary_key=True)
    name = Text(default=None, required=True, unique=True)
    version = Text(default=None, null=True)
    description = Text(default=None, null=True)
    manifest_json = Text(default=None, null=True)
    files_json = Text(default="{}", null=True)
    enabled = Boolean(default=True)
    created_at = TimestampMillis(default=utc_now_millis, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis, null=True)
    created_by = Text(default=None, null=True)


class MemoryTable(Table, tablename="LiteLLM_MemoryTable"):
    """A remembered text under a globally unique key."""

    memory_id = Text(default=new_id, primary_key=True)
    key = Text(default=None, required=True, unique=True)
    value = Text(default=None, required=True)
    metadata = JSONB(default=None, null=True)
    user_id = Text(default=None, index=True, null=True)
    team_id = Text(default=None, index=True, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)


class WorkflowRun(Table, tablename="LiteLLM_WorkflowRun"):
    """One run of a workflow; `status` repeats the latest event."""

    run_id = Text(default=new_id, primary_key=True)
    session_id = Text(default=new_id, unique=True, index=True)
    workflow_type = Text(default=None, required=True)
    status = Text(default="pending")
    created_by = Text(default=None, index=True, null=True)
    created_at = TimestampMillis(default=utc_now_millis, index=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    input = JSONB(default=None, null=True)
    output = JSONB(default=None, null=True)
    metadata = JSONB(default=None, null=True)


class WorkflowEvent(Table, tablename="LiteLLM_WorkflowEvent"):
    """One event of a workflow run; never changed."""

    event_id = Text(default=new_id, primary_key=True)
    run_id = foreign_key("agents.WorkflowRun.run_id", on_delete=OnDelete.restrict, required=True, index=True)
    event_type = Text(default=None, required=True)
    step_name = Text(default=None, required=True)
    sequence_number = Integer(default=None, required=True)
    data = JSONB(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)


class WorkflowMessage(Table, tablename="LiteLLM_WorkflowMessage"):
    """One message of a workflow run."""

    message_id = Text(default=new_id, primary_key=True)
    run_id = foreign_key("agents.WorkflowRun.run_id", on_delete=OnDelete.restrict, required=True, index=True)
    role = Text(default=None, required=True)
    content = Text(default=None, required=True)
    sequence_number = Integer(default=None, required=True)
    session_id = Text(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
