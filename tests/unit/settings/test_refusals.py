from pathlib import Path
from typing import Any

import pytest

from gateway.domain import MCP_SUBMITTED, McpClients
from gateway.errors import ConfigError
from gateway.settings import load_settings
from gateway.settings.refusals import Refusals

CLIENTS, HEADER, REQUIRED = "mcp_allowed_clients", "mcp_client_id_header", "mcp_required_fields"
ONE = [{"alias": "Claude Code", "value": "claude-code"}]
FILE = f"general_settings: {{{CLIENTS}: {ONE}, {HEADER}: X-File, {REQUIRED}: [alias]}}"
NOBODY: frozenset[str] = frozenset()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "config.yaml"
    found.write_text(FILE)
    return found


MALFORMED = [
    (CLIENTS, [*ONE, {"alias": "x"}], "without 'value'"),
    (CLIENTS, "claude-code", "Expected a list"),
    (CLIENTS, {}, "Expected a list"),
    (CLIENTS, False, "Expected a list"),
    (CLIENTS, [{"alias": "x", "value": "os.environ/NOT_SET"}], "NOT_SET"),
    (CLIENTS, [{"alias": "x", "value": "os.environ/GATEWAY_MASTER_KEY"}], "own secret"),
    (HEADER, "x client", "name of a header"),
    (HEADER, "Authorization", "has credentials"),
    (HEADER, ["X-App"], "Expected a text"),
    (REQUIRED, ["descripton"], "fixed choice"),
    (REQUIRED, {"alias": True}, "Expected a list"),
]


@pytest.mark.parametrize(("key", "value", "message"), MALFORMED)
def test_a_malformed_one_is_refused_alone_and_denies_the_most(
    path: Path, key: str, value: object, message: str
) -> None:
    refusals: Refusals = {}
    stored = {
        "general_settings": {key: value, "enforce_user_param": True},
        "router_settings": {"num_retries": 4},
    }

    settings = load_settings(path, {}, overlay=stored, refusals=refusals)

    assert (settings.access.enforce_user_param, settings.router.num_retries) == (True, 4)
    assert list(refusals) == [key]
    assert (refusals[key].path or "").startswith(f"general_settings.{key}")
    assert message in refusals[key].message
    of_file = frozenset({"claude-code"})
    header, allowed = "" if key == HEADER else "X-File", NOBODY if key == CLIENTS else of_file
    assert settings.mcp_clients == McpClients(allowed=allowed, id_header=header)
    required = set(MCP_SUBMITTED) if key == REQUIRED else {"alias"}
    assert set(settings.general.mcp_required_fields) == required


def test_without_one_in_the_file_no_application_is_let_in_either(tmp_path: Path) -> None:
    path = tmp_path / "config.yaml"
    path.write_text("{}")
    settings = load_settings(path, {}, overlay={"general_settings": {CLIENTS: [{}]}}, refusals={})
    assert settings.mcp_clients == McpClients(allowed=NOBODY)


@pytest.mark.parametrize(("key", "value", "message"), MALFORMED)
def test_who_does_not_ask_what_is_refused_is_told(path: Path, key: str, value: object, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_settings(path, {}, overlay={"general_settings": {key: value}})


def test_well_formed_ones_win_and_their_references_are_looked_up(path: Path) -> None:
    refusals: Refusals = {}
    overlay: Any = {
        "general_settings": {
            CLIENTS: [{"alias": "App", "value": "os.environ/APP"}],
            HEADER: "X-Stored",
            REQUIRED: ["description"],
        },
        "environment_variables": {"APP": "app-7"},
    }
    settings = load_settings(path, {}, overlay=overlay, refusals=refusals)
    assert settings.mcp_clients == McpClients(allowed=frozenset({"app-7"}), id_header="X-Stored")
    assert (settings.general.mcp_required_fields, refusals) == (("description",), {})


def test_others_are_refused_together_as_ever(path: Path) -> None:
    overlay = {"general_settings": {CLIENTS: [{}]}, "router_settings": {"num_retries": "many"}}
    with pytest.raises(ConfigError, match="num_retries"):
        load_settings(path, {}, overlay=overlay, refusals={})
