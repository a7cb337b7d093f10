import os

import pytest

from gateway.domain import Secret
from gateway.errors import ConfigError


def _model(extra: str = "") -> str:
    params = "    model: openai/a\n    api_key: os.environ/KEY\n"
    return f"model_list:\n- model_name: a\n  litellm_params:\n{params}{extra}"


def test_a_reference_is_replaced_everywhere(load):
    text = _model("  model_info: {deep: [{er: os.environ/OTHER}]}\n")
    entry = load(text, {"KEY": "sk-real", "OTHER": "x"}).models[0]
    assert entry.litellm_params["api_key"] == "sk-real"
    assert entry.model_info == {"deep": [{"er": "x"}]}


def test_a_missing_variable_is_none_with_a_notice_about_the_credential(load):
    settings = load(_model())
    assert settings.models[0].litellm_params == {"model": "openai/a"}
    (notice,) = settings.notices
    assert (notice.path, notice.line) == ("model_list[0].litellm_params.api_key", 5)
    assert "KEY is not set, so there is no credential" in notice.message


def test_a_number_from_the_environment_is_a_number(load):
    settings = load("litellm_settings: {request_timeout: os.environ/T}\n", {"T": "12.5"})
    assert settings.litellm.request_timeout == 12.5


def test_the_section_of_variables_wins_and_is_not_exported(load):
    text = "environment_variables:\n  KEY: sk-file\n  COPY: os.environ/OUTER\n  FLAG: true\n" + _model()
    settings = load(text, {"KEY": "sk-process", "OUTER": "o"})
    assert settings.models[0].litellm_params["api_key"] == "sk-file"
    assert settings.variables == {"KEY": Secret("sk-file"), "COPY": Secret("o"), "FLAG": Secret("true")}
    assert "COPY" not in os.environ


def test_variables_of_the_file_count_for_the_process_too(load):
    settings = load("environment_variables: {DATABASE_URL: 'postgresql://u@h/d'}\n")
    assert settings.environment.database_url == Secret("postgresql://u@h/d")


@pytest.mark.parametrize(
    "key",
    [
        "upperbound_key_generate_params: {max_budget: os.environ/NONE}",
        "block_requests_for_models_without_pricing: os.environ/NONE",
    ],
)
def test_a_restriction_that_cannot_be_read_stops_the_start(load, key: str):
    with pytest.raises(ConfigError, match="NONE is not set"):
        load(f"litellm_settings:\n  {key}\n")


def test_an_unsupported_restriction_stays_refused_when_its_variable_is_missing(load):
    with pytest.raises(ConfigError, match="restricts access"):
        load("general_settings: {custom_auth: os.environ/NONE}\n")


def test_a_wrong_value_from_the_environment_is_never_shown(load):
    with pytest.raises(ConfigError) as caught:
        load("litellm_settings: {request_timeout: os.environ/T}\n", {"T": "hunter2"})
    assert "hunter2" not in str(caught.value)


def test_a_database_that_is_not_there_is_told(load):
    settings = load("general_settings: {database_url: os.environ/DATABASE_URL}\n")
    assert settings.environment.database_url is None
    assert "not the one that is used" in settings.notices[0].message


@pytest.mark.parametrize(
    "text",
    ["environment_variables: [a]", "environment_variables: {A: {b: c}}", "environment_variables: {'A=B': c}"],
)
def test_a_section_of_variables_that_is_none_is_refused(load, text: str):
    with pytest.raises(ConfigError):
        load(text)
