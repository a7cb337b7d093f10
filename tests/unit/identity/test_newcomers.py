"""What an operator says about new users and teams."""

import pytest

from gateway.errors import ConfigError
from gateway.identity.newcomers import NewcomerDefaults


def test_what_is_sent_wins_over_the_defaults():
    defaults = NewcomerDefaults({"max_budget": 5, "models": ["m"]}, {"max_budget": 50})

    assert defaults.fill_user({"max_budget": 0}) == {"max_budget": 0, "models": ["m"]}
    assert defaults.fill_team({"tpm_limit": 1}) == {"max_budget": 50.0, "tpm_limit": 1}


def test_administrators_to_be_get_no_defaults():
    defaults = NewcomerDefaults({"max_budget": 5, "teams": ["t"]}, {})

    sent = {"user_role": "proxy_admin"}
    assert defaults.fill_user(sent) == sent
    assert defaults.teams_of(sent) == ()
    assert defaults.teams_of({}) == ("t",)
    assert defaults.teams_of({"teams": ["other"]}) == ()


@pytest.mark.parametrize(
    ("users", "teams", "path"),
    [
        ({"max_bugdet": 1}, {}, "litellm_settings.default_internal_user_params.max_bugdet"),
        ({}, {"max_bugdet": 1}, "litellm_settings.default_team_params.max_bugdet"),
        ({"user_role": "proxy_admin"}, {}, "litellm_settings.default_internal_user_params"),
        ({"max_budget": -1}, {}, "litellm_settings.default_internal_user_params"),
        ({"max_budget": "much"}, {}, "litellm_settings.default_internal_user_params"),
        ({}, {"budget_duration": "soon"}, "litellm_settings.default_team_params"),
    ],
)
def test_defaults_that_cannot_be_stop_the_start(users, teams, path):
    with pytest.raises(ConfigError) as raised:
        NewcomerDefaults(users, teams)

    assert path in str(raised.value)
