import math
from datetime import UTC, datetime

import pytest

from gateway.errors import BadRequest
from gateway.identity.faults import Faults
from gateway.identity.values import BudgetLimitEntry, check_members


def refusal_of(**members: object) -> BadRequest:
    faults = Faults()
    check_members(faults, members)
    with pytest.raises(BadRequest) as raised:
        faults.refuse()
    return raised.value


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"team_member_budget": -0.1}, "team_member_budget"),
        ({"max_budget_in_team": math.inf}, "max_budget_in_team"),
        ({"temp_budget_increase": math.nan}, "temp_budget_increase"),
        ({"max_budget": 1e9 + 1}, "max_budget"),
        ({"tags": ["x"] * 2_001}, "tags"),
        ({"tags": ["x" * 513]}, "tags[0]"),
        ({"model_aliases": {"a": ""}}, "model_aliases[1]"),
        ({"budget_limits": [BudgetLimitEntry(budget_duration="1d", max_budget=1)] * 2}, "budget_limits"),
        ({"model_max_budget": {"m": {"budget_duration": "x"}}}, "model_max_budget.m.budget_duration"),
        ({"model_max_budget": {"m": {"rpm_limit": 1.5}}}, "model_max_budget.m.rpm_limit"),
        ({"model_max_budget": {"m": True}}, "model_max_budget.m.budget_limit"),
        ({"metadata": {"x": "y" * 65_536}}, "metadata"),
        ({"metadata": {"model_rpm_limit": 60}}, "metadata.model_rpm_limit"),
        ({"metadata": {"tag_rpm_limit": {"a": "many"}}}, "metadata.tag_rpm_limit.a"),
        ({"metadata": {"allowed_tools": "search"}}, "metadata.allowed_tools"),
        ({"metadata": {"enforced_params": [1]}}, "metadata.enforced_params"),
        ({"metadata": {"guardrails": "pii"}}, "metadata.guardrails"),
        ({"metadata": {"guardrails": [1]}}, "metadata.guardrails"),
        ({"metadata": {"policies": {"a": 1}}}, "metadata.policies"),
        ({"metadata": {"tags": [2026]}}, "metadata.tags"),
        ({"metadata": {"tags": {"a": 1}}}, "metadata.tags"),
        ({"metadata": {"model_itpm_limit": {"m": -1}}}, "metadata.model_itpm_limit.m"),
        ({"metadata": {"mcp_rpm_limit": {"m": "-1"}}}, "metadata.mcp_rpm_limit.m"),
        ({"budget_fallbacks": {"m": [1]}}, "budget_fallbacks.m"),
        ({"budget_fallbacks": {"m": []}}, "budget_fallbacks.m"),
        ({"budget_fallbacks": {"m": 5}}, "budget_fallbacks.m"),
        ({"team_id": "\U00020000" * 257}, "team_id"),
        ({"user_id": "x" * 513}, "user_id"),
        ({"description": "x" * 8_193}, "description"),
    ],
)
def test_what_cannot_be_is_named(members, path):
    assert refusal_of(**members).param == path


def test_every_fault_is_in_one_refusal():
    refused = refusal_of(max_budget=-1, tpm_limit=-1, budget_duration="0d")
    assert (refused.status, refused.type, refused.param) == (400, "bad_request_error", "max_budget")
    assert refused.message == (
        "max_budget: cannot be negative. Received: -1; "
        "tpm_limit: must be between 0 and 9223372036854775807. Received: -1; "
        "budget_duration: '0d' is not a duration. Write a number and s, m, h, d, w or mo, for example 30d."
    )


def test_null_and_the_edges_pass():
    faults = Faults()
    edges = {"max_budget": 0.0, "rpm_limit": 0, "tpm_limit": 2**63 - 1, "soft_budget": None, "tags": []}
    edges["metadata"] = {"model_rpm_limit": {"a": "7", "b": None}, "allowed_tools": None, "mine": [{}]}
    edges["metadata"] |= {"guardrails": {"modify_guardrails": False}, "tags": "a,b", "policies": ["p"]}
    edges["metadata"] |= {"mcp_rpm_limit": {"docs": 0}}
    edges["team_id"] = "\U00020000" * 256
    edges["budget_fallbacks"] = {"m": "n", "o": ["p", "q"]}
    check_members(
        faults, {**edges, "budget_reset_at": datetime(2030, 1, 1, tzinfo=UTC), "unchecked": object()}
    )
    faults.refuse()
