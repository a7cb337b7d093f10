import pytest

from gateway.errors import ConfigError
from gateway.settings import AccessSettings
from gateway.settings.access import RolePermission


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


def test_restrictions_of_requests(load):
    access = load(
        """
        general_settings:
          allowed_ips: [1.2.3.4, 10.0.0.0/8]
          use_x_forwarded_for: true
          trusted_proxy_ranges: 10.0.0.0/8
          allowed_routes: [/v1/models]
          admin_only_routes: [/spend/*]
          enforced_params: [user, metadata.run]
          service_account_settings: {enforced_params: [user]}
          role_permissions:
            - {role: customer, models: [m], routes: [llm_api_routes]}
        """
    ).access
    assert access.allowed_ips == ("1.2.3.4", "10.0.0.0/8")
    assert access.trusted_proxy_ranges == ("10.0.0.0/8",)
    assert (access.allowed_routes, access.admin_only_routes) == (("/v1/models",), ("/spend/*",))
    assert (access.enforced_params, access.service_account_params) == (("user", "metadata.run"), ("user",))
    assert access.role_permissions == (
        RolePermission(role="customer", models=("m",), routes=("llm_api_routes",)),
    )


@pytest.mark.parametrize("section", ["general_settings", "litellm_settings"])
def test_fallbacks_are_checked_where_either_section_says_so(load, section):
    other = {"general_settings": "litellm_settings", "litellm_settings": "general_settings"}[section]
    text = f"""
        {section}: {{enforce_fallback_model_access: true}}
        {other}: {{enforce_fallback_model_access: false}}
        """
    assert load(text).access.enforce_fallback_model_access


@pytest.mark.parametrize(
    ("setting", "text"),
    [
        ("allowed_ips: [here]", "Expected addresses or networks"),
        ("trusted_proxy_ranges: [10.0.0.0/99]", "Expected addresses or networks"),
        ("role_permissions: [{models: [m]}]", "Expected a mapping with 'role'"),
        ("role_permissions: [{role: emperor}]", "Expected one of a fixed choice"),
        ("enforced_params: {a: b}", "Expected a list"),
    ],
)
def test_restrictions_that_cannot_be_read_stop_the_start(load, setting, text):
    with pytest.raises(ConfigError, match=text):
        load(f"general_settings: {{{setting}}}")
