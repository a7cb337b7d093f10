import pytest

from gateway.errors import ConfigError
from gateway.settings.access import GENERAL_ACCESS_READERS, LITELLM_ACCESS_READERS
from gateway.settings.known_keys import SECTIONS, Standing
from gateway.settings.mcp_clients import MCP_CLIENT_READERS
from gateway.settings.mcp_finding import MCP_FINDING_KEYS
from gateway.settings.mcp_servers import MCP_ACCESS_READERS
from gateway.settings.pass_through import PASS_THROUGHS
from gateway.settings.router import SHARED_KEYS
from gateway.settings.sections import GENERAL_READERS, LITELLM_READERS

ENVIRONMENT_KEYS = {"master_key", "database_url"}
JWT_KEYS = {"enable_jwt_auth", "litellm_jwtauth", "unregistered_jwt_client_behavior"}
LOGIN_KEYS = {"max_ui_session_budget"}


def test_the_general_section_is_read(load):
    text = """
general_settings:
  litellm_key_header_name: X-Key
  max_request_size_mb: "1.5"
  store_prompts_in_spend_logs: "True"
  disable_prisma_schema_update: yes
  proxy_batch_write_at: 10
  database_connection_pool_limit: 20
"""
    general = load(text).general
    assert general.key_header_name == "X-Key"
    assert general.max_request_size_mb == 1.5
    assert general.store_prompts_in_spend_logs
    assert general.disable_schema_update
    assert general.proxy_batch_write_at == 10.0
    assert general.database_connection_pool_limit == 20


def test_the_litellm_section_is_read(load):
    text = """
litellm_settings:
  json_logs: true
  budget_exceeded_status_code: 429
  upperbound_key_generate_params: {max_budget: 100, duration: 30d}
"""
    litellm = load(text).litellm
    assert litellm.json_logs
    assert litellm.budget_exceeded_status_code == 429
    assert litellm.upperbound_key_generate_params == {"max_budget": 100, "duration": "30d"}


@pytest.mark.parametrize(
    ("section", "key", "value"),
    [
        ("litellm_settings", "json_logs", "maybe"),
        ("litellm_settings", "json_logs", "[true]"),
        ("litellm_settings", "request_timeout", "soon"),
        ("litellm_settings", "request_timeout", "-3"),
        ("litellm_settings", "request_timeout", "1mo"),
        ("litellm_settings", "budget_exceeded_status_code", "200"),
        ("litellm_settings", "budget_exceeded_status_code", "4e2.5"),
        ("litellm_settings", "default_key_generate_params", "[a]"),
        ("general_settings", "max_request_size_mb", "true"),
        ("general_settings", "litellm_key_header_name", "{a: b}"),
    ],
)
def test_a_wrong_value_says_what_was_expected(load, section, key, value):
    with pytest.raises(ConfigError, match=r"Expected .*, found ") as caught:
        load(f"{section}:\n  {key}: {value}\n")
    assert (caught.value.path, caught.value.line) == (f"{section}.{key}", 2)


@pytest.mark.parametrize("section", ["litellm_settings", "general_settings", "router_settings", "gatewright"])
def test_a_section_that_is_no_mapping_is_refused_and_an_empty_one_is_fine(load, section):
    assert load(f"{section}:\n").notices == ()
    with pytest.raises(ConfigError, match="Expected a mapping"):
        load(f"{section}: [a]")


def test_flags_of_the_environment_hold_where_the_file_is_silent(load):
    environ = {"DISABLE_SCHEMA_UPDATE": "true"}
    assert load("", environ).general.disable_schema_update
    assert not load(
        "general_settings: {disable_prisma_schema_update: false}", environ
    ).general.disable_schema_update


def test_exactly_the_supported_keys_are_read():
    def names(section: str) -> set[str]:
        return {key.name for key in SECTIONS[section].values() if key.standing is Standing.SUPPORTED}

    assert names("general_settings") - ENVIRONMENT_KEYS == (
        set(GENERAL_READERS)
        | set(GENERAL_ACCESS_READERS)
        | set(MCP_ACCESS_READERS)
        | set(MCP_CLIENT_READERS)
        | JWT_KEYS
        | {PASS_THROUGHS}
    )
    assert names("litellm_settings") - SHARED_KEYS - LOGIN_KEYS == (
        set(LITELLM_READERS) | set(LITELLM_ACCESS_READERS) | MCP_FINDING_KEYS
    )


@pytest.mark.parametrize(("written", "days"), [("30d", 30), ("30", 30), ("'36h'", 1.5), ("1w", 7)], ids=str)
def test_a_number_of_retention_is_days(load, written, days):
    """As LiteLLM has it: read as seconds, a configuration of its would delete nearly everything."""
    text = f"general_settings: {{maximum_spend_logs_retention_period: {written}}}"
    assert load(text).general.logs_retention_seconds == days * 86_400


@pytest.mark.parametrize("written", ["0", "0d", "'30'", "-1", "1.5", "true", "soon", "''", "[]"])
@pytest.mark.parametrize(
    "name",
    [
        "maximum_spend_logs_retention_period",
        "maximum_daily_tag_spend_retention_period",
        "maximum_health_check_retention_period",
    ],
)
def test_a_retention_that_is_none_deletes_nothing(load, name, written):
    with pytest.raises(ConfigError, match=r"above 0 with its unit|above 0"):
        load(f"general_settings: {{{name}: {written}}}")
