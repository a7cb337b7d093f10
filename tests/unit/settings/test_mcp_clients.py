"""The applications that may speak with MCP servers: what says nothing certain stops the start."""

from pathlib import Path
from typing import Any

import pytest

from gateway.domain import McpClients
from gateway.errors import ConfigError
from gateway.settings import load_settings

CLIENTS = "mcp_allowed_clients"
HEADER = "mcp_client_side_auth_header_name"
ONE = [{"alias": "Claude Code", "value": "claude-code"}]
OWN = "gatewright: {plugins: {settings: {mcp: {servers: {own: {url: 'https://own.example/mcp'}}}}}}\n"


@pytest.mark.parametrize(
    ("key", "value", "path", "message"),
    [
        (CLIENTS, [], "", "at least one"),
        (CLIENTS, "claude-code", "", "Expected a list"),
        (CLIENTS, {"alias": "a", "value": "b"}, "", "Expected a list"),
        (CLIENTS, [*ONE, "claude-code"], "[1]", "Expected a mapping"),
        (CLIENTS, [*ONE, None], "[1]", "Expected a mapping"),
        (CLIENTS, [{"value": "x"}], "[0]", "without 'alias'"),
        (CLIENTS, [{"alias": "x"}], "[0]", "without 'value'"),
        (CLIENTS, [{"alias": "x", "value": None}], "[0]", "without 'value'"),
        (CLIENTS, [{"alias": "x", "value": ""}], "[0].value", "without spaces"),
        (CLIENTS, [{"alias": "x", "value": "x "}], "[0].value", "without spaces"),
        (CLIENTS, [{"alias": "x", "value": ["x"]}], "[0].value", "Expected a text"),
        (CLIENTS, [{"alias": "x", "value": "x", "id": "x"}], "[0].id", "no key 'id'"),
        ("mcp_client_id_header", "x client", "", "name of a header"),
        ("mcp_client_id_header", "", "", "name of a header"),
        ("mcp_client_id_header", "Authorization", "", "has credentials"),
        ("mcp_required_fields", ["description", "descripton"], "[1]", "found the text 'descripton'"),
        ("mcp_required_fields", ["mcp_access_groups"], "[0]", "fixed choice"),
        ("mcp_advertised_versions", [], "", "at least one"),
        ("mcp_advertised_versions", ["2025-11-25", "2025-11-26"], "[1]", "fixed choice"),
        ("mcp_xff_num_trusted_hops", 0, "", "at least 1"),
        ("mcp_xff_num_trusted_hops", -1, "", "at least 1"),
        ("mcp_xff_num_trusted_hops", 1.5, "", "whole number"),
        ("mcp_xff_num_trusted_hops", True, "", "whole number"),
        ("mcp_xff_num_trusted_hops", [1], "", "whole number"),
        (HEADER, "x key", "", "name of a header"),
        (HEADER, "Mcp-Session-Id", "", "something else already"),
        (HEADER, "X-Litellm-Api-Key", "", "something else already"),
    ],
)
def test_what_is_malformed_is_refused_with_its_place(
    load: Any, key: str, value: object, path: str, message: str
) -> None:
    text = f"model_list: []\ngeneral_settings:\n  {key}: {value!r}".replace("None", "null")
    with pytest.raises(ConfigError, match=message) as caught:
        load(text)
    assert (caught.value.path, caught.value.line) == (f"general_settings.{key}{path}", 3)


def test_applications_are_known_by_their_values(load: Any) -> None:
    listed = [*ONE, {"alias": "CI", "value": 7}]
    text = f"general_settings: {{{CLIENTS}: {listed}, mcp_client_id_header: X-Client}}"
    found = McpClients(allowed=frozenset({"claude-code", "7"}), id_header="X-Client")
    assert load(text).mcp_clients == found
    assert load(f"general_settings: {{{CLIENTS}: null}}").mcp_clients == McpClients()


@pytest.mark.parametrize("nothing", [None, [], ""])
def test_what_consoles_leave_in_the_database_takes_no_list_away(tmp_path: Path, nothing: object) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(f"general_settings: {{{CLIENTS}: {ONE}}}")
    stored = {"general_settings": {CLIENTS: nothing, "mcp_client_id_header": "X-Client"}}
    found = load_settings(path, {"HOME": str(tmp_path)}, overlay=stored).mcp_clients
    assert found == McpClients(allowed=frozenset({"claude-code"}), id_header="X-Client")


@pytest.mark.parametrize("stored", ["true", "false"])
def test_servers_that_only_the_plugins_section_has_are_under_the_same_rules(load: Any, stored: str) -> None:
    by_hand = OWN.replace("{mcp: {", "{mcp: {access: {}, ")
    general = f"require_key_mcp_access_defined: true, store_model_in_db: {stored}"
    plugins = load(f"{by_hand}general_settings: {{{general}}}").gatewright.plugins
    assert plugins.settings["mcp"]["access"] == {"require_key_mcp_access_defined": True}


def test_the_header_of_credentials_may_be_named_by_the_environment(load: Any) -> None:
    variable = "LITELLM_MCP_CLIENT_SIDE_AUTH_HEADER_NAME"

    def told(text: str, name: str) -> object:
        return load(text, {variable: name}).gatewright.plugins.offered["mcp"]["access"]

    assert told("", "Authorization") == {HEADER: "Authorization"}
    assert told(f"general_settings: {{{HEADER}: X-Key}}", "Authorization") == {HEADER: "X-Key"}
    assert told("", "") == {}
    with pytest.raises(ConfigError, match="something else already") as caught:
        told("", "Host")
    assert caught.value.path == variable


def test_revisions_are_read_as_they_are_written(load: Any) -> None:
    text = (
        "general_settings: {mcp_advertised_versions: [2025-06-18, '2026-07-28']}\n"
        "mcp_servers: {a: {url: 'https://a.example/mcp', protocol_version: 2025-06-18}}"
    )
    told = load(text).gatewright.plugins.settings["mcp"]
    assert told["access"]["mcp_advertised_versions"] == ("2025-06-18", "2026-07-28")
    assert told["servers"]["a"]["protocol_version"] == "2025-06-18"
