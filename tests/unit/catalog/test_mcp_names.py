import pytest

from gateway.catalog.mcp_names import find_taken, find_taken_names
from gateway.composition.own_paths import OWN_PATHS


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("guardrails", "/guardrails/mcp"),
        ("credentials/any", "/credentials/any/mcp"),
        ("team", "/team/mcp"),
        ("models", "/models/mcp"),
        ("engines", "/engines/mcp"),
        ("openai/deployments", "/openai/deployments/mcp"),
        ("authorize", "/authorize/mcp"),
        ("v1/tool", "/v1/tool/mcp"),
        ("toolset/any", "/toolset/any/mcp"),
        ("mcp-rest", "/mcp-rest/mcp"),
        (".well-known", "/.well-known/mcp"),
        ("enabled", "/mcp/enabled"),
        ("proxy", "/mcp/proxy"),
        ("sse", "/mcp/sse"),
        ("any/sse", "/mcp/any/sse"),
    ],
)
def test_a_name_that_leads_to_another_route_is_taken(name: str, path: str) -> None:
    assert find_taken(name, OWN_PATHS) == path


@pytest.mark.parametrize(
    "name",
    ["tickets", "key", "v1", "health", "mcp", "toolset", "v1/mcp", "key/info", "mcp/mcp", "chat", "user", ""],
)
def test_a_name_that_only_looks_like_a_route_is_free(name: str) -> None:
    assert find_taken(name, OWN_PATHS) is None


@pytest.mark.parametrize(
    ("servers", "path"),
    [
        ({"policies": {"url": "u"}}, "policies"),
        ({"policies": None}, "policies"),
        ({"a": {"alias": "audit"}}, "a.alias"),
        ({"a": {"server_id": "mcp-rest"}}, "a.server_id"),
        ({"a": {"access_groups": ["crew", "proxy"]}}, "a.access_groups[1]"),
    ],
)
def test_the_configuration_is_told_where_a_name_is_taken(servers: dict[str, object], path: str) -> None:
    ((place, reason),) = find_taken_names(servers, OWN_PATHS)
    assert place == f"mcp_servers.{path}"
    assert "a path of the gateway's own" in reason


def test_names_of_other_types_are_left_to_the_plugin() -> None:
    servers = {"a": {"alias": 7, "access_groups": "proxy"}, "b": {"access_groups": [1]}}
    assert not list(find_taken_names(servers, OWN_PATHS))
