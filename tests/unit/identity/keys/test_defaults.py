import pytest

from gateway.errors import BadRequest, ConfigError
from gateway.identity.keys.defaults import KeyDefaults
from gateway.identity.keys.request import GenerateKeyRequest


def test_defaults_fill_what_is_left_out():
    defaults = KeyDefaults({"max_budget": 5, "models": ["a"], "duration": None}, {})
    assert defaults.apply(GenerateKeyRequest(max_budget=1)) == GenerateKeyRequest(max_budget=1, models=["a"])


def test_bounds_hold_for_what_is_given_and_apply_to_what_is_not():
    bounds = KeyDefaults({}, {"max_budget": 10, "duration": "30d"})
    assert bounds.apply(GenerateKeyRequest(max_budget=10.0)) == GenerateKeyRequest(
        max_budget=10.0, duration="30d"
    )
    for fields in ({"max_budget": 10.01}, {"duration": "31d"}, {"duration": "2mo"}):
        with pytest.raises(BadRequest) as raised:
            bounds.apply(GenerateKeyRequest(**fields))
        assert raised.value.param in fields


@pytest.mark.parametrize(
    ("defaults", "bounds"),
    [
        ({"max_budgets": 1}, {}),
        ({"max_budget": "much"}, {}),
        ({}, {"models": ["a"]}),
        ({}, {"duration": "long"}),
    ],
)
def test_a_configuration_that_means_nothing_stops_the_boot(defaults, bounds):
    with pytest.raises(ConfigError, match="key_generate_params"):
        KeyDefaults(defaults, bounds)
