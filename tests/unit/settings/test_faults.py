from pathlib import Path

import pytest

from gateway.errors import ConfigError, ConfigErrors
from gateway.settings import Faults, load_settings

WRONG = """\
include: [absent.yaml, more.yaml]
model_list:
- model_name: ""
  litellm_params: {model: openai/a, rpm: many, timeout: soon}
- litellm_params: {api_key: x}
- model_name: fine
  litellm_params: {model: openai/b}
  model_info: {id: [1], max_input_tokens: -1}
- model_name: first
  litellm_params: {model: openai/c}
  model_info: {id: same}
- model_name: second
  litellm_params: {model: openai/c}
  model_info: {id: same}
credential_list:
- credential_name: one
  credential_values: {api_key: [1]}
- {credential_values: {}}
litellm_settings:
  json_logs: maybe
  json_logs: true
  request_timeout: .nan
  num_retri: 1
  upperbound_key_generate_params: os.environ/NOT_THERE
general_settings:
  custom_auth: module.function
  master_key: sk-1234
  max_request_size_mb: big
router_settings:
  routing_strategy: fastest
  fallbacks: [{a: [{b: c}], d: {}}, 1]
  model_group_alias: {x: {hidden: true}, y: [1]}
  retry_policy: {TimeoutErrorRetries: -1, RateLimitErrorRetries: -1}
environment_variables:
  LIST: []
gatewright:
  plugins: {settings: {a: 1, b: 2}, only: []}
  limits: {body_bytes: 0, header_byte: 1}
  price_fil: x
  key_cache_entries: none
"""

PLACES = [
    (1, "include[0]"),
    (3, "model_list[0].model_name"),
    (4, "model_list[0].litellm_params.rpm"),
    (4, "model_list[0].litellm_params.timeout"),
    (5, "model_list[1]"),
    (5, "model_list[1].litellm_params"),
    (8, "model_list[2].model_info.id"),
    (8, "model_list[2].model_info.max_input_tokens"),
    (14, "model_list[4].model_info.id"),
    (17, "credential_list[0].credential_values.api_key"),
    (18, "credential_list[1]"),
    (20, "litellm_settings.json_logs"),
    (21, None),
    (22, None),
    (23, "litellm_settings.num_retri"),
    (24, "litellm_settings.upperbound_key_generate_params"),
    (26, "general_settings.custom_auth"),
    (27, "general_settings.master_key"),
    (28, "general_settings.max_request_size_mb"),
    (30, "router_settings.routing_strategy"),
    (31, "router_settings.fallbacks[0].a[0]"),
    (31, "router_settings.fallbacks[0].d"),
    (31, "router_settings.fallbacks[1]"),
    (32, "router_settings.model_group_alias.x"),
    (32, "router_settings.model_group_alias.y"),
    (33, "router_settings.retry_policy.RateLimitErrorRetries"),
    (33, "router_settings.retry_policy.TimeoutErrorRetries"),
    (35, "environment_variables.LIST"),
    (37, "gatewright.plugins.only"),
    (37, "gatewright.plugins.settings.a"),
    (37, "gatewright.plugins.settings.b"),
    (38, "gatewright.limits.body_bytes"),
    (38, "gatewright.limits.header_byte"),
    (39, "gatewright.price_fil"),
    (40, "gatewright.key_cache_entries"),
]


def test_everything_that_is_wrong_is_told_in_one_run(tmp_path: Path):
    main, more = tmp_path / "config.yaml", tmp_path / "more.yaml"
    main.write_text(WRONG)
    more.write_text("litellm_settings:\n  budget_exceeded_status_code: 200\n")
    environ = {"HOME": str(tmp_path), "SERVER_ROOT_PATH": "/../x", "DATABASE_URL": "mysql://x"}
    with pytest.raises(ConfigErrors) as caught:
        load_settings(main, environ)
    errors = caught.value.errors
    found = [(error.line, error.path) for error in errors if error.file == str(main)]
    assert sorted(found, key=str) == sorted(PLACES, key=str)
    assert [line for line, _ in found] == sorted(line for line, _ in PLACES)
    (included,) = [error for error in errors if error.file == str(more)]
    assert (included.line, included.path) == (2, "litellm_settings.budget_exceeded_status_code")
    assert [error.path for error in errors if error.file is None] == ["DATABASE_URL", "SERVER_ROOT_PATH"]


def test_the_message_has_a_line_for_each_error_and_the_first_ones_place(tmp_path: Path):
    path = tmp_path / "config.yaml"
    path.write_text("litellm_settings:\n  json_logs: maybe\nrouter_settings:\n  num_retries: -1\n")
    with pytest.raises(ConfigErrors) as caught:
        load_settings(path, {"HOME": "/h"})
    error = caught.value
    assert (error.path, error.line, error.allowed) == ("litellm_settings.json_logs", 2, ("true", "false"))
    assert str(error) == error.message
    assert str(error).splitlines() == [str(one) for one in error.errors]
    assert str(error).startswith(f"{path}:2: litellm_settings.json_logs: Expected true or false")


def test_a_single_error_stays_itself():
    faults, error = Faults(), ConfigError("No.", path="a")
    faults.add(error)
    faults.add(ConfigError("No.", path="a"))
    with pytest.raises(ConfigError) as caught:
        faults.refuse()
    assert caught.value is error


def test_nothing_found_is_nothing_refused():
    faults = Faults()
    assert faults.attempt(lambda: 1, 2) == 1
    faults.refuse()


def test_errors_stay_in_their_files_from_top_to_bottom():
    faults = Faults()
    for file, line in ((None, None), ("b", 9), ("a", 3), ("b", 2)):
        faults.add(ConfigError("No.", file=file, line=line))
    with pytest.raises(ConfigErrors) as caught:
        faults.refuse()
    assert [(error.file, error.line) for error in caught.value.errors] == [
        ("b", 2),
        ("b", 9),
        ("a", 3),
        (None, None),
    ]
