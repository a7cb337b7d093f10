"""Deployments, credentials, their health and the state of adaptive routing."""

from piccolo.columns import JSONB, Boolean, Integer, Serial, Text
from piccolo.table import Table

from gateway.db.columns import Money, TimestampMillis, utc_now_millis
from gateway.db.composite import CompositeKeyRows
from gateway.ids import new_id

__all__ = [
    "AdaptiveRouterSession",
    "AdaptiveRouterState",
    "CredentialsTable",
    "HealthCheckTable",
    "ModelTable",
    "ProxyModelTable",
]


class ProxyModelTable(Table, tablename="LiteLLM_ProxyModelTable"):
    """A deployment that was added through the API; `litellm_params` holds encrypted values."""

    model_id = Text(default=new_id, primary_key=True)
    model_name = Text(default=None, required=True)
    litellm_params = JSONB(default=None, required=True)
    model_info = JSONB(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, required=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, required=True)
    blocked = Boolean(default=False)


class ModelTable(Table, tablename="LiteLLM_ModelTable"):
    """The model aliases of a team."""

    id = Serial(primary_key=True)
    aliases = JSONB(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, required=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, required=True)


class CredentialsTable(Table, tablename="LiteLLM_CredentialsTable"):
    """A named credential for upstreams; values are encrypted."""

    credential_id = Text(default=new_id, primary_key=True)
    credential_name = Text(default=None, required=True, unique=True)
    credential_values = JSONB(default=None, required=True)
    credential_info = JSONB(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, required=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, required=True)
    display_name = Text(default=None, null=True)


class HealthCheckTable(Table, tablename="LiteLLM_HealthCheckTable"):
    """The result of one health check of one model."""

    health_check_id = Text(default=new_id, primary_key=True)
    model_name = Text(default=None, required=True, index=True)
    model_id = Text(default=None, null=True)
    status = Text(default=None, required=True, index=True)
    healthy_count = Integer(default=0)
    unhealthy_count = Integer(default=0)
    error_message = Text(default=None, null=True)
    response_time_ms = Money(default=None, null=True)
    details = JSONB(default=None, null=True)
    checked_by = Text(default=None, null=True)
    checked_at = TimestampMillis(default=utc_now_millis, index=True)
    created_at = TimestampMillis(default=utc_now_millis)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)


class AdaptiveRouterState(CompositeKeyRows, Table, tablename="LiteLLM_AdaptiveRouterState"):
    """The success counts of a model for one kind of request, as a Beta distribution."""

    router_name = Text(default=None, primary_key=True, required=True)
    request_type = Text(default=None, primary_key=True, required=True)
    model_name = Text(default=None, primary_key=True, required=True)
    alpha = Money(default=None, required=True)
    beta = Money(default=None, required=True)
    total_samples = Integer(default=0)
    last_updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)


class AdaptiveRouterSession(CompositeKeyRows, Table, tablename="LiteLLM_AdaptiveRouterSession"):
    """The signals of one session with one model of an adaptive router."""

    session_id = Text(default=None, primary_key=True, required=True)
    router_name = Text(default=None, primary_key=True, required=True)
    model_name = Text(default=None, primary_key=True, required=True)
    classified_type = Text(default=None, required=True)
    misalignment_count = Integer(default=0)
    stagnation_count = Integer(default=0)
    disengagement_count = Integer(default=0)
    satisfaction_count = Integer(default=0)
    failure_count = Integer(default=0)
    loop_count = Integer(default=0)
    exhaustion_count = Integer(default=0)
    last_user_content = Text(default=None, null=True)
    last_assistant_content = Text(default=None, null=True)
    tool_call_history = JSONB(default="[]")
    pending_tool_calls = JSONB(default="{}")
    turn_count = Integer(default=0)
    last_processed_turn = Integer(default=-1)
    clean_credit_awarded = Boolean(default=False)
    terminal_status = Integer(default=None, null=True)
    last_activity_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis, index=True)
