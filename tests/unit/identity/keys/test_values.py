import math

import pytest

from gateway.errors import BadRequest
from gateway.identity.keys.request import BudgetLimitEntry, GenerateKeyRequest
from gateway.identity.keys.values import check_values


@pytest.mark.parametrize(
    ("fields", "path"),
    [
        ({"max_budget": -0.01}, "max_budget"),
        ({"max_budget": math.nan}, "max_budget"),
        ({"max_budget": math.inf}, "max_budget"),
        ({"max_budget": 1e10}, "max_budget"),
        ({"soft_budget": -1.0}, "soft_budget"),
        ({"spend": -1.0}, "spend"),
        ({"rpm_limit": -1}, "rpm_limit"),
        ({"tpm_limit": 2**63}, "tpm_limit"),
        ({"max_parallel_requests": 2**31}, "max_parallel_requests"),
        ({"model_rpm_limit": {"gpt-4o": -1}}, "model_rpm_limit.gpt-4o"),
        ({"model_max_budget": {"gpt-4o": {"budget_limit": -1}}}, "model_max_budget.gpt-4o.budget_limit"),
        ({"model_max_budget": {"gpt-4o": "NaN"}}, "model_max_budget.gpt-4o.budget_limit"),
        ({"model_max_budget": {"gpt-4o": []}}, "model_max_budget.gpt-4o.budget_limit"),
        (
            {"budget_limits": [BudgetLimitEntry(budget_duration="1d", max_budget=-1)]},
            "budget_limits[0].max_budget",
        ),
        (
            {"budget_limits": [BudgetLimitEntry(budget_duration="x", max_budget=1)]},
            "budget_limits[0].budget_duration",
        ),
        ({"duration": "soon"}, "duration"),
        ({"budget_duration": "0d"}, "budget_duration"),
        ({"auto_rotate": True}, "rotation_interval"),
        ({"key": "not-a-key-0123456789"}, "key"),
        ({"key": "sk-too-short"}, "key"),
        ({"key": "sk-with a space 0123456"}, "key"),
        ({"key": "sk-" + "x" * 600}, "key"),
        ({"user_id": ""}, "user_id"),
        ({"team_id": "  "}, "team_id"),
        ({"key_alias": "x" * 513}, "key_alias"),
        ({"models": ["gpt-4o", ""]}, "models[1]"),
        ({"soft_budget": 1.0, "budget_id": "b"}, "soft_budget"),
    ],
)
def test_a_value_that_cannot_be_is_refused_with_its_path(fields, path):
    with pytest.raises(BadRequest) as raised:
        check_values(GenerateKeyRequest(**fields))
    assert (raised.value.param, raised.value.type, raised.value.status) == (path, "bad_request_error", 400)


def test_sensible_values_pass():
    check_values(
        GenerateKeyRequest(
            key="sk-0123456789abcd",
            max_budget=0.0,
            rpm_limit=0,
            duration="1mo",
            model_max_budget={"a": 1, "b": {"budget_limit": "0.5", "time_period": "1d"}},
        )
    )
