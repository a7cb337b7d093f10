"""Budgets and the tags that carry them."""

from piccolo.columns import JSONB, Array, BigInt, Integer, OnDelete, Text
from piccolo.table import Table

from gateway.db.columns import Money, TimestampMillis, foreign_key, utc_now_millis
from gateway.ids import new_id

__all__ = ["BudgetTable", "TagTable"]


class BudgetTable(Table, tablename="LiteLLM_BudgetTable"):
    """A budget with limits that several owners may share."""

    budget_id = Text(default=new_id, primary_key=True)
    max_budget = Money(default=None, null=True)
    soft_budget = Money(default=None, null=True)
    max_parallel_requests = Integer(default=None, null=True)
    tpm_limit = BigInt(default=None, null=True)
    rpm_limit = BigInt(default=None, null=True)
    model_max_budget = JSONB(default=None, null=True)
    budget_duration = Text(default=None, null=True)
    budget_reset_at = TimestampMillis(default=None, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, required=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
    updated_by = Text(default=None, required=True)
    allowed_models = Array(Text(), default=list, null=True)
    tpd_limit = BigInt(default=None, null=True)
    temp_budget_increase = Money(default=None, null=True)
    temp_budget_expiry = TimestampMillis(default=None, null=True)


class TagTable(Table, tablename="LiteLLM_TagTable"):
    """A tag with a budget and the deployments that carry it."""

    tag_name = Text(default=None, primary_key=True, required=True)
    description = Text(default=None, null=True)
    models = Array(Text(), default=list, null=True)
    model_info = JSONB(default=None, null=True)
    spend = Money(default=0.0)
    budget_id = foreign_key("budgets.BudgetTable.budget_id", on_delete=OnDelete.set_null, null=True)
    created_at = TimestampMillis(default=utc_now_millis)
    created_by = Text(default=None, null=True)
    updated_at = TimestampMillis(default=utc_now_millis, auto_update=utc_now_millis)
