import pytest

from gateway.errors import ConfigError
from gateway.settings.budgets import BudgetSetting


def test_budgets_of_providers_are_read(load):
    settings = load(
        "router_settings: {provider_budget_config: {openai: {budget_limit: 0.5, time_period: 1d}, "
        "groq: {max_budget: '7', budget_duration: 1mo}, azure: {budget_limit: 1}}}"
    )
    assert settings.router.provider_budgets == {
        "openai": BudgetSetting(500_000_000, "1d"),
        "groq": BudgetSetting(7_000_000_000, "1mo"),
        "azure": BudgetSetting(1_000_000_000),
    }


def test_the_budget_of_the_gateway_is_read(load):
    litellm = load("litellm_settings: {max_budget: 1.5, budget_duration: 30d}").litellm
    assert (litellm.max_budget_nanos, litellm.budget_duration) == (1_500_000_000, "30d")


@pytest.mark.parametrize(
    "wrong",
    [
        "litellm_settings: {max_budget: -1}",
        "litellm_settings: {max_budget: .nan}",
        "litellm_settings: {max_budget: .inf}",
        "litellm_settings: {max_budget: 1e17}",
        "litellm_settings: {max_budget: much}",
        "litellm_settings: {max_budget: 1, budget_duration: soon}",
        "litellm_settings: {max_budget: 1, budget_duration: 0d}",
        "router_settings: {provider_budget_config: {openai: {time_period: 1d}}}",
        "router_settings: {provider_budget_config: {openai: 5}}",
    ],
)
def test_what_is_no_budget_is_refused(load, wrong):
    with pytest.raises(ConfigError):
        load(wrong)
