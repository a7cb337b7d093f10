import pytest

from gateway.domain import Secret
from gateway.errors import ConfigError


def _one(params: str = "{model: mock/a}", info: str = "{}", name: str = "a") -> str:
    return f"model_list:\n- model_name: {name}\n  litellm_params: {params}\n  model_info: {info}\n"


def test_numbers_given_as_texts_become_numbers_and_the_rest_is_handed_on(load):
    entry = load(
        _one("{model: openai/a, rpm: '60', timeout: 2m, temperature: 0, api_version: 2024-10-21}")
    ).models[0]
    assert entry.litellm_params == {
        "model": "openai/a",
        "rpm": 60,
        "timeout": 120.0,
        "temperature": 0,
        "api_version": "2024-10-21",
    }
    assert entry.key_path == "model_list[0]"


def test_what_has_no_effect_is_not_handed_on_where_it_could_be_sent_upstream(load):
    secrets = "token: sk-x, credentials: y, oci_key: z, aws_secret_access_key: w"
    settings = load(_one(f"{{model: openai/a, {secrets}, itpm: 3, think: true}}"))
    assert settings.models[0].litellm_params == {"model": "openai/a", "think": True}
    assert len(settings.notices) == 5


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("model_list: {a: b}", "model_list", 1),
        ("model_list:\n- text", "model_list[0]", 2),
        ("model_list:\n- model_name: a", "model_list[0]", 2),
        ("model_list:\n- {model_name: a, litellm_params: {}}", "model_list[0].litellm_params", 2),
        ("model_list:\n- {model_name: '', litellm_params: {model: a}}", "model_list[0].model_name", 2),
        (_one("[]"), "model_list[0].litellm_params", 3),
        (_one("{model: [a]}"), "model_list[0].litellm_params.model", 3),
        (_one("{model: mock/a, rpm: many}"), "model_list[0].litellm_params.rpm", 3),
        (_one("{model: mock/a, rpm: -1}"), "model_list[0].litellm_params.rpm", 3),
        (_one("{model: mock/a, on_disconnect: stop}"), "model_list[0].litellm_params.on_disconnect", 3),
        (_one(info="[a]"), "model_list[0].model_info", 4),
    ],
)
def test_a_wrong_model_names_path_and_line(load, text, path, line):
    with pytest.raises(ConfigError) as caught:
        load(text)
    assert (caught.value.path, caught.value.line) == (path, line)


def test_a_wrong_credential_is_never_shown(load):
    with pytest.raises(ConfigError) as caught:
        load(_one("{model: openai/a, api_key: [sk-very-secret]}"))
    assert "sk-very-secret" not in str(caught.value)


def test_two_models_with_one_id_are_refused(load):
    text = _one(info="{id: x}") + "- {model_name: b, litellm_params: {model: mock/b}, model_info: {id: x}}\n"
    with pytest.raises(ConfigError, match=r"taken by model_list\[0\].model_info.id") as caught:
        load(text)
    assert caught.value.line == 5


def test_credentials_are_kept_by_name_and_never_shown(load):
    item = "{credential_name: c, credential_values: {api_key: sk-x}, credential_info: {note: n}}"
    settings = load(f"credential_list: [{item}]")
    assert settings.credentials["c"].values == {"api_key": Secret("sk-x")}
    assert settings.credentials["c"].info == {"note": "n"}
    assert "sk-x" not in repr(settings)


def test_a_model_does_not_show_its_credential(load):
    assert "sk-hidden" not in repr(load(_one("{model: openai/a, api_key: sk-hidden}")))


@pytest.mark.parametrize(
    "items", ["[{credential_values: {}}]", "[{credential_name: c}, {credential_name: c}]", "x"]
)
def test_wrong_credentials_are_refused(load, items):
    with pytest.raises(ConfigError):
        load(f"credential_list: {items}")


def test_a_model_with_a_credential_that_is_not_listed_is_told(load):
    (notice,) = load(_one("{model: openai/a, litellm_credential_name: nobody}")).notices
    assert "'nobody'" in notice.message


def test_a_credential_that_the_database_has_to_have_is_told_with_its_place(load):
    params = "    model: mock/a\n    litellm_credential_name: vault\n"
    (notice,) = load("model_list:\n- model_name: a\n  litellm_params:\n" + params).notices
    assert (notice.path, notice.line) == ("model_list[0].litellm_params.litellm_credential_name", 5)
