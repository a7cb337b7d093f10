import pytest

from gateway.errors import ConfigError


def test_the_environment_says_how_people_log_in(load):
    environ = {
        "UI_USERNAME": "root",
        "UI_PASSWORD": "a good one",
        "LITELLM_UI_SESSION_DURATION": "8h",
        "PROXY_BASE_URL": "https://gateway.example.com/",
    }
    settings = load("litellm_settings: {max_ui_session_budget: 0.5}", environ).login

    assert (settings.username, settings.password.reveal()) == ("root", "a good one")
    assert (settings.session_seconds, settings.session_budget_nanos) == (28_800, 500_000_000)
    assert settings.base_url == "https://gateway.example.com"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PROXY_BASE_URL", "gateway"),
        ("LITELLM_UI_SESSION_DURATION", "0"),
        ("LITELLM_UI_SESSION_DURATION", "x"),
    ],
)
def test_values_that_cannot_be_are_refused(name, value, load):
    with pytest.raises(ConfigError, match=name):
        load("", {name: value})
