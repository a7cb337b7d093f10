import pytest

from gateway.errors import ConfigError
from gateway.settings import AccessSettings


def test_without_a_word_nothing_is_restricted(load):
    assert load("model_list: []").access == AccessSettings()


def test_budgets_of_users(load):
    access = load(
        """
        general_settings: {apply_user_budget_to_team_keys: true}
        litellm_settings: {max_internal_user_budget: 0, internal_user_budget_duration: 30d}
        """
    ).access
    assert access.apply_user_budget_to_team_keys
    assert (access.internal_user_budget, access.internal_user_budget_duration) == (0.0, "30d")


@pytest.mark.parametrize("text", ["often", "0d", "30", "-1d"])
def test_a_period_that_is_none_is_refused(load, text):
    with pytest.raises(ConfigError, match="Expected a duration"):
        load(f"litellm_settings: {{internal_user_budget_duration: '{text}'}}")
