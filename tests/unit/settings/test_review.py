import pytest

from gateway.errors import ConfigError
from gateway.settings.known_keys import SECTIONS, TOP, Standing


@pytest.mark.parametrize(
    ("text", "line", "path", "suggestion"),
    [
        ("modle_list: []", 1, "modle_list", "model_list"),
        ("general_settings:\n  master-key: x", 2, "general_settings.master-key", "master_key"),
        ("router_settings:\n  num_retry: 3", 2, "router_settings.num_retry", "num_retries"),
        ("litellm_settings:\n\n  drop_param: true", 3, "litellm_settings.drop_param", "drop_params"),
        ("general_settings: {custom_autth: x.y}", 1, "general_settings.custom_autth", "custom_auth"),
        (
            "router_settings: {retry_policy: {RateLimitErorRetries: 1}}",
            1,
            "router_settings.retry_policy.RateLimitErorRetries",
            "RateLimitErrorRetries",
        ),
        (
            "model_list:\n- model_name: a\n  litellm_params: {model: mock/a, api_kye: x}",
            3,
            "model_list[0].litellm_params.api_kye",
            "api_key",
        ),
        (
            "model_list:\n- model_nam: a\n  litellm_params: {model: mock/a}",
            2,
            "model_list[0].model_nam",
            "model_name",
        ),
    ],
)
def test_a_nearly_known_key_is_refused_with_the_suggestion(load, text, line, path, suggestion):
    with pytest.raises(ConfigError, match=f"Did you mean '{suggestion}'") as caught:
        load(text)
    assert (caught.value.line, caught.value.path, caught.value.allowed) == (line, path, (suggestion,))


RESTRICTIONS = [
    (section, key)
    for section in (TOP, "general_settings", "litellm_settings", "router_settings")
    for key in SECTIONS[section].values()
    if key.standing is Standing.REFUSED
]


@pytest.mark.parametrize(
    ("section", "key"), RESTRICTIONS, ids=lambda value: getattr(value, "name", str(value))
)
def test_a_restriction_that_is_not_enforced_stops_the_start(load, section, key):
    value = next(iter(key.refused_values), "1")
    text = f"{key.name}: [{value}]" if section == TOP else f"{section}:\n  {key.name}: [{value}]"
    with pytest.raises(ConfigError, match="restricts access or spend") as caught:
        load(text)
    assert caught.value.path == (f"{section}.{key.name}" if section else key.name)


@pytest.mark.parametrize("name", ["custom_auth", "default_team_disabled", "enable_oauth2_auth"])
@pytest.mark.parametrize("value", ["null", "false", "''", "[]", "{}"])
def test_a_restriction_that_is_switched_off_is_accepted(load, name, value):
    assert load(f"general_settings: {{{name}: {value}}}").notices == ()


def test_a_budget_of_nothing_is_a_restriction(load):
    with pytest.raises(ConfigError, match="max_user_budget"):
        load("litellm_settings: {max_user_budget: 0}")


def test_all_restrictions_are_named_at_once(load):
    with pytest.raises(ConfigError) as caught:
        load("general_settings:\n  custom_auth: a.b\n  enable_oauth2_auth: true\n")
    assert caught.value.line == 2
    assert "general_settings.enable_oauth2_auth" in str(caught.value)


@pytest.mark.parametrize(
    "value", ["[my_module.handler]", "['dynamic_rate_limiter_v3']", "os.environ/X", "[{a: b}]"]
)
def test_callbacks_that_may_refuse_requests_stop_the_start(load, value):
    with pytest.raises(ConfigError, match="may refuse requests"):
        load(f"litellm_settings: {{callbacks: {value}}}")


def test_callbacks_that_only_log_are_listed(load):
    (notice,) = load("litellm_settings: {callbacks: [langfuse, otel]}").notices
    assert "not supported yet" in notice.message


def test_unsupported_keys_are_listed_once_however_often_they_stand(load):
    item = "- {model_name: a, litellm_params: {model: mock/a, itpm: 3}}\n"
    (notice,) = load("model_list:\n" + item * 5).notices
    assert (notice.path, notice.line) == ("model_list[0].litellm_params.itpm", 2)
    assert "4 more" in notice.message


def test_unknown_keys_are_told(load):
    notices = load("zebra: 1\ngeneral_settings: {quokka: 2}\nx-shared: &x 3\n").notices
    assert [(notice.path, notice.line) for notice in notices] == [
        ("zebra", 1),
        ("general_settings.quokka", 2),
    ]


def test_a_key_in_the_wrong_section_is_told_where_it_belongs(load):
    (notice,) = load("litellm_settings: {master_key: sk-1}").notices
    assert "belongs to general_settings" in notice.message


def test_a_key_without_effect_says_why(load):
    (notice,) = load("general_settings: {disable_budget_reservation: true}").notices
    assert "always reserved" in notice.message


def test_prices_and_provider_settings_are_taken_without_a_list(load):
    params = "{model: openai/x, mock_delay: 1, input_cost_per_token_above_128k_tokens: 1e-6}"
    settings = load(f"model_list: [{{model_name: a, litellm_params: {params}, model_info: {{team: blue}}}}]")
    assert settings.notices == ()


def test_settings_of_providers_that_are_not_supported_yet_are_told(load):
    (notice,) = load(
        "model_list: [{model_name: a, litellm_params: {model: bedrock/x, aws_region_name: r}}]"
    ).notices
    assert notice.path == "model_list[0].litellm_params.aws_region_name"
