"""Records of requests, errors and changes."""

from piccolo.columns import JSONB, Integer, Text
from piccolo.table import Table

from gateway.db.columns import Money, TimestampMillis, utc_now_millis
from gateway.db.composite import CompositeKeyRows
from gateway.ids import new_id

__all__ = ["AuditLog", "ErrorLogs", "SpendLogGuardrailIndex", "SpendLogToolIndex", "SpendLogs"]


class SpendLogs(Table, tablename="LiteLLM_SpendLogs"):
    """One row per request: who, what, how many tokens, how much."""

    request_id = Text(default=None, primary_key=True, required=True)
    call_type = Text(default=None, required=True)
    api_key = Text(default="")
    spend = Money(default=0.0)
    total_tokens = Integer(default=0)
    prompt_tokens = Integer(default=0)
    completion_tokens = Integer(default=0)
    startTime = TimestampMillis(default=None, required=True, index=True)  # noqa: N815 - the name is the contract's
    endTime = TimestampMillis(default=None, required=True)  # noqa: N815 - the name is the contract's
    completionStartTime = TimestampMillis(default=None, null=True)  # noqa: N815 - the name is the contract's
    model = Text(default="")
    model_id = Text(default="", null=True)
    model_group = Text(default="", null=True)
    custom_llm_provider = Text(default="", null=True)
    api_base = Text(default="", null=True)
    user = Text(default="", null=True)
    metadata = JSONB(default="{}", null=True)
    cache_hit = Text(default="", null=True)
    cache_key = Text(default="", null=True)
    request_tags = JSONB(default="[]", null=True)
    team_id = Text(default=None, null=True)
    end_user = Text(default=None, index=True, null=True)
    requester_ip_address = Text(default=None, null=True)
    messages = JSONB(default="{}", null=True)
    response = JSONB(default="{}", null=True)
    proxy_server_request = JSONB(default="{}", null=True)
    session_id = Text(default=None, index=True, null=True)
    status = Text(default=None, null=True)
    mcp_namespaced_tool_name = Text(default=None, null=True)
    organization_id = Text(default=None, null=True)
    agent_id = Text(default=None, null=True)
    request_duration_ms = Integer(default=None, null=True)
    litellm_call_id = Text(default=None, index=True, null=True)


class ErrorLogs(Table, tablename="LiteLLM_ErrorLogs"):
    """One row per failed call of a deployment."""

    request_id = Text(default=new_id, primary_key=True)
    startTime = TimestampMillis(default=None, required=True)  # noqa: N815 - the name is the contract's
    endTime = TimestampMillis(default=None, required=True)  # noqa: N815 - the name is the contract's
    api_base = Text(default="")
    model_group = Text(default="")
    litellm_model_name = Text(default="")
    model_id = Text(default="")
    request_kwargs = JSONB(default="{}")
    exception_type = Text(default="")
    exception_string = Text(default="")
    status_code = Text(default="")


class SpendLogToolIndex(CompositeKeyRows, Table, tablename="LiteLLM_SpendLogToolIndex"):
    """Which requests used which tool, by time."""

    request_id = Text(default=None, primary_key=True, required=True)
    tool_name = Text(default=None, primary_key=True, required=True)
    start_time = TimestampMillis(default=None, required=True)


class SpendLogGuardrailIndex(CompositeKeyRows, Table, tablename="LiteLLM_SpendLogGuardrailIndex"):
    """Which requests met which guardrail, by time."""

    request_id = Text(default=None, primary_key=True, required=True)
    guardrail_id = Text(default=None, primary_key=True, required=True)
    policy_id = Text(default=None, null=True)
    start_time = TimestampMillis(default=None, required=True)


class AuditLog(Table, tablename="LiteLLM_AuditLog"):
    """One row per change made through the management API."""

    id = Text(default=new_id, primary_key=True)
    updated_at = TimestampMillis(default=utc_now_millis)
    changed_by = Text(default="")
    changed_by_api_key = Text(default="")
    action = Text(default=None, required=True)
    table_name = Text(default=None, required=True)
    object_id = Text(default=None, required=True)
    before_value = JSONB(default=None, null=True)
    updated_values = JSONB(default=None, null=True)
