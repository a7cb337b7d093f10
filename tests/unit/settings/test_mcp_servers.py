"""Who serves MCP servers: the plugin is loaded for what the file declares, and offered for the database."""

import pytest

from gateway.errors import ConfigError
from gateway.settings.mcp_servers import configured_servers, demands_keys

DEMANDS = "general_settings: {require_key_mcp_access_defined: true}\n"
DECLARED = "mcp_servers: {tickets: {url: 'https://tickets.example/mcp'}}\n"
OWN = "gatewright: {plugins: {settings: {mcp: {servers: {own: {url: 'https://own.example/mcp'}}}}}}\n"


def test_without_a_word_about_it_the_plugin_is_offered_and_checks_no_request(load) -> None:
    own = load(DEMANDS).gatewright
    told = {"servers": {}, "checks_requests": False, "access": {"require_key_mcp_access_defined": True}}
    assert (own.plugins.settings, own.plugins.offered) == ({}, {"mcp": told})
    assert demands_keys(own)


@pytest.mark.parametrize(
    "text",
    [
        "general_settings: {store_model_in_db: false}",
        "gatewright: {plugins: {deny: [mcp]}}",
        "gatewright: {plugins: {allow: [guardrails]}}",
    ],
)
def test_where_the_database_is_not_read_or_the_plugin_is_shut_out_it_is_not_offered(load, text: str) -> None:
    plugins = load(text).gatewright.plugins
    assert (plugins.settings, plugins.offered) == ({}, {})


@pytest.mark.parametrize(
    ("text", "servers"),
    [
        (DECLARED, {"tickets"}),
        ("mcp_servers: {}", set()),
        ("gatewright: {plugins: {settings: {mcp: {}}}}", set()),
        ("gatewright: {plugins: {allow: [mcp]}}", set()),
        (OWN, {"own"}),
    ],
)
def test_what_is_said_of_it_configures_the_plugin(load, text: str, servers: set[str]) -> None:
    own = load(text).gatewright
    assert own.plugins.offered == {}
    assert "checks_requests" not in own.plugins.settings["mcp"]
    assert set(configured_servers(own)) == servers


def test_with_the_plugin_alone_no_server_of_the_database_is_served_where_it_is_not_read(load) -> None:
    text = "gatewright: {plugins: {settings: {mcp: {}}}}\ngeneral_settings: {store_model_in_db: false}"
    assert load(text).gatewright.plugins.settings == {"mcp": {}}


def test_servers_need_the_plugin_that_serves_them(load) -> None:
    with pytest.raises(ConfigError, match="does not let the plugin 'mcp' load"):
        load(DECLARED + "gatewright: {plugins: {deny: [mcp]}}")


def test_what_closes_something_is_left_for_the_plugin_to_refuse(load) -> None:
    closed = {"url": "https://a.example/mcp", "allow_sampling": False, "oauth_identity_binding": "x"}
    servers = load("mcp_servers: {a: " + str(closed).replace("False", "false") + "}").gatewright
    assert configured_servers(servers) == {"a": closed}
