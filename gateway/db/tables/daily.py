"""Usage and guardrail counts per UTC day; writers store absent parts of a key as empty text."""

from piccolo.columns import BigInt, Text
from piccolo.table import Table

from gateway.db.columns import Money, TimestampMillis, utc_now_millis
from gateway.db.composite import CompositeKeyRows
from gateway.ids import new_id

__all__ = [
    "DailyAgentSpend",
    "DailyEndUserSpend",
    "DailyGuardrailMetrics",
    "DailyOrganizationSpend",
    "DailyPolicyMetrics",
    "DailyTagSpend",
    "DailyTeamSpend",
    "DailyUserSpend",
]


class DailyUserSpend(Table, tablename="LiteLLM_DailyUserSpend"):
    """Usage of one UTC day by user; the empty user collects what nobody owns."""

    id = Text(default=new_id, primary_key=True)
    user_id = Text(default=None, null=True)
    date = Text(default=None, required=True, index=True)
    api_key = Text(default=None, required=True, index=True)
    model = Text(default=None, index=True, null=True)
    model_group = Text(default=None, null=True)
    custom_llm_provider = Text(default=None, null=True)
    prompt_tokens = BigInt(default=0)
    completion_tokens = BigInt(default=0)
    spend = Money(default=0.0)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    api_requests = BigInt(default=0)
    failed_requests = BigInt(default=0)
    successful_requests = BigInt(default=0)
    cache_creation_input_tokens = BigInt(default=0)
    cache_read_input_tokens = BigInt(default=0)
    mcp_namespaced_tool_name = Text(default=None, index=True, null=True)
    endpoint = Text(default=None, index=True, null=True)


class DailyTeamSpend(Table, tablename="LiteLLM_DailyTeamSpend"):
    """Usage of one UTC day by team."""

    id = Text(default=new_id, primary_key=True)
    team_id = Text(default=None, null=True)
    date = Text(default=None, required=True, index=True)
    api_key = Text(default=None, required=True, index=True)
    model = Text(default=None, index=True, null=True)
    model_group = Text(default=None, null=True)
    custom_llm_provider = Text(default=None, null=True)
    prompt_tokens = BigInt(default=0)
    completion_tokens = BigInt(default=0)
    spend = Money(default=0.0)
    api_requests = BigInt(default=0)
    successful_requests = BigInt(default=0)
    failed_requests = BigInt(default=0)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    cache_creation_input_tokens = BigInt(default=0)
    cache_read_input_tokens = BigInt(default=0)
    mcp_namespaced_tool_name = Text(default=None, index=True, null=True)
    endpoint = Text(default=None, index=True, null=True)


class DailyOrganizationSpend(Table, tablename="LiteLLM_DailyOrganizationSpend"):
    """Usage of one UTC day by organization."""

    id = Text(default=new_id, primary_key=True)
    organization_id = Text(default=None, null=True)
    date = Text(default=None, required=True, index=True)
    api_key = Text(default=None, required=True, index=True)
    model = Text(default=None, index=True, null=True)
    model_group = Text(default=None, null=True)
    custom_llm_provider = Text(default=None, null=True)
    mcp_namespaced_tool_name = Text(default=None, index=True, null=True)
    prompt_tokens = BigInt(default=0)
    completion_tokens = BigInt(default=0)
    cache_read_input_tokens = BigInt(default=0)
    cache_creation_input_tokens = BigInt(default=0)
    spend = Money(default=0.0)
    api_requests = BigInt(default=0)
    successful_requests = BigInt(default=0)
    failed_requests = BigInt(default=0)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    endpoint = Text(default=None, index=True, null=True)


class DailyEndUserSpend(Table, tablename="LiteLLM_DailyEndUserSpend"):
    """Usage of one UTC day by customer."""

    id = Text(default=new_id, primary_key=True)
    end_user_id = Text(default=None, null=True)
    date = Text(default=None, required=True, index=True)
    api_key = Text(default=None, required=True, index=True)
    model = Text(default=None, index=True, null=True)
    model_group = Text(default=None, null=True)
    custom_llm_provider = Text(default=None, null=True)
    mcp_namespaced_tool_name = Text(default=None, index=True, null=True)
    prompt_tokens = BigInt(default=0)
    completion_tokens = BigInt(default=0)
    cache_read_input_tokens = BigInt(default=0)
    cache_creation_input_tokens = BigInt(default=0)
    spend = Money(default=0.0)
    api_requests = BigInt(default=0)
    successful_requests = BigInt(default=0)
    failed_requests = BigInt(default=0)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    endpoint = Text(default=None, index=True, null=True)


class DailyAgentSpend(Table, tablename="LiteLLM_DailyAgentSpend"):
    """Usage of one UTC day by agent."""

    id = Text(default=new_id, primary_key=True)
    agent_id = Text(default=None, null=True)
    date = Text(default=None, required=True, index=True)
    api_key = Text(default=None, required=True, index=True)
    model = Text(default=None, index=True, null=True)
    model_group = Text(default=None, null=True)
    custom_llm_provider = Text(default=None, null=True)
    mcp_namespaced_tool_name = Text(default=None, index=True, null=True)
    prompt_tokens = BigInt(default=0)
    completion_tokens = BigInt(default=0)
    cache_read_input_tokens = BigInt(default=0)
    cache_creation_input_tokens = BigInt(default=0)
    spend = Money(default=0.0)
    api_requests = BigInt(default=0)
    successful_requests = BigInt(default=0)
    failed_requests = BigInt(default=0)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    endpoint = Text(default=None, index=True, null=True)


class DailyTagSpend(Table, tablename="LiteLLM_DailyTagSpend"):
    """Usage of one UTC day by tag."""

    id = Text(default=new_id, primary_key=True)
    tag = Text(default=None, null=True)
    date = Text(default=None, required=True, index=True)
    api_key = Text(default=None, required=True, index=True)
    model = Text(default=None, index=True, null=True)
    model_group = Text(default=None, null=True)
    custom_llm_provider = Text(default=None, null=True)
    prompt_tokens = BigInt(default=0)
    completion_tokens = BigInt(default=0)
    cache_read_input_tokens = BigInt(default=0)
    cache_creation_input_tokens = BigInt(default=0)
    spend = Money(default=0.0)
    api_requests = BigInt(default=0)
    successful_requests = BigInt(default=0)
    failed_requests = BigInt(default=0)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    mcp_namespaced_tool_name = Text(default=None, index=True, null=True)
    request_id = Text(default=None, null=True)
    endpoint = Text(default=None, index=True, null=True)


class DailyGuardrailMetrics(CompositeKeyRows, Table, tablename="LiteLLM_DailyGuardrailMetrics"):
    """What one guardrail did on one UTC day."""

    guardrail_id = Text(default=None, primary_key=True, required=True, index=True)
    date = Text(default=None, primary_key=True, required=True, index=True)
    requests_evaluated = BigInt(default=0)
    passed_count = BigInt(default=0)
    blocked_count = BigInt(default=0)
    flagged_count = BigInt(default=0)
    avg_score = Money(default=None, null=True)
    avg_latency_ms = Money(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)


class DailyPolicyMetrics(CompositeKeyRows, Table, tablename="LiteLLM_DailyPolicyMetrics"):
    """What one policy did on one UTC day."""

    policy_id = Text(default=None, primary_key=True, required=True, index=True)
    date = Text(default=None, primary_key=True, required=True, index=True)
    requests_evaluated = BigInt(default=0)
    passed_count = BigInt(default=0)
    blocked_count = BigInt(default=0)
    flagged_count = BigInt(default=0)
    avg_score = Money(default=None, null=True)
    avg_latency_ms = Money(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
