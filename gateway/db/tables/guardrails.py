"""Guardrails, policies, where they apply, and tools."""

from piccolo.columns import JSONB, Array, Boolean, Integer, Text
from piccolo.table import Table

from gateway.db.columns import TimestampMillis, utc_now_millis
from gateway.ids import new_id

__all__ = ["GuardrailsTable", "PolicyAttachmentTable", "PolicyTable", "ToolTable"]


class GuardrailsTable(Table, tablename="LiteLLM_GuardrailsTable"):
    """A configured guardrail and the state of its submission."""

    guardrail_id = Text(default=new_id, primary_key=True)
    guardrail_name = Text(default=None, required=True, unique=True)
    litellm_params = JSONB(default=None, required=True)
    guardrail_info = JSONB(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    team_id = Text(default=None, null=True)
    reviewed_at = TimestampMillis(default=None, null=True)
    status = Text(default="active", index=True)
    submitted_at = TimestampMillis(default=None, null=True)


class PolicyTable(Table, tablename="LiteLLM_PolicyTable"):
    """One version of a guardrail policy."""

    policy_id = Text(default=new_id, primary_key=True)
    policy_name = Text(default=None, required=True)
    inherit = Text(default=None, null=True)
    description = Text(default=None, null=True)
    guardrails_add = Array(Text(), default=list, null=True)
    guardrails_remove = Array(Text(), default=list, null=True)
    condition = JSONB(default="{}", null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)
    pipeline = JSONB(default=None, null=True)
    is_latest = Boolean(default=True)
    parent_version_id = Text(default=None, null=True)
    production_at = TimestampMillis(default=None, null=True)
    published_at = TimestampMillis(default=None, null=True)
    version_number = Integer(default=1)
    version_status = Text(default="production")


class PolicyAttachmentTable(Table, tablename="LiteLLM_PolicyAttachmentTable"):
    """Where a policy applies: teams, keys, models, tags."""

    attachment_id = Text(default=new_id, primary_key=True)
    policy_name = Text(default=None, required=True)
    scope = Text(default=None, null=True)
    teams = Array(Text(), default=list, null=True)
    keys = Array(Text(), default=list, null=True)
    models = Array(Text(), default=list, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)
    tags = Array(Text(), default=list, null=True)
    priority = Integer(default=None, null=True)
    is_default = Boolean(default=False)


class ToolTable(Table, tablename="LiteLLM_ToolTable"):
    """A tool that was seen in requests, with the policies for its input and output."""

    tool_id = Text(default=new_id, primary_key=True)
    tool_name = Text(default=None, required=True, unique=True)
    origin = Text(default=None, null=True)
    input_policy = Text(default="untrusted", index=True)
    call_count = Integer(default=0)
    assignments = JSONB(default="{}", null=True)
    key_hash = Text(default=None, null=True)
    team_id = Text(default=None, index=True, null=True)
    key_alias = Text(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, null=True)
    output_policy = Text(default="untrusted", index=True)
    user_agent = Text(default=None, null=True)
    last_used_at = TimestampMillis(default=None, null=True)
