import pytest

from gateway.access.routes import RouteLists, covers_own_path, covers_pass_through, covers_path
from gateway.errors import PermissionDenied


@pytest.mark.parametrize(
    ("entry", "path", "is_covered"),
    [
        ("/key/info", "/key/info", True),
        ("/key/info", "/key/information", False),
        ("/key/info", "/key/info/", False),
        ("/key/info", "/Key/info", False),
        ("/key/*", "/key/generate", True),
        ("/key/*", "/key/a/regenerate", True),
        ("/key/*", "/key", False),
        ("/key/*", "/key/", False),
        ("/key/*", "/keys/generate", False),
        ("/key/*", "/key//generate", False),
        ("/key/*", "/key/../user/new", False),
        ("/key*", "/key/generate", False),
        ("llm_api_routes", "/v1/chat/completions", True),
        ("llm_api_routes", "/chat/completions", True),
        ("llm_api_routes", "/openai/deployments/gpt-4o/chat/completions", True),
        ("llm_api_routes", "/openai/deployments/a/b/chat/completions", False),
        ("llm_api_routes", "/v1/models/gpt-4o", True),
        ("llm_api_routes", "/key/generate", False),
        ("management_routes", "/key/generate", True),
        ("management_routes", "/v1/chat/completions", False),
        ("mcp_routes", "/mcp", True),
        ("mcp_routes", "/mcp/a,b", True),
        ("mcp_routes", "/tickets/mcp", True),
        ("mcp_routes", "/team/tickets/mcp", True),
        ("mcp_routes", "/toolset/t/mcp", True),
        ("mcp_routes", "/mcp-rest/tools/call", True),
        ("mcp_routes", "/mcp-rest/test/connection", False),
        ("mcp_routes", "//mcp", False),
        ("mcp_routes", "/v1/chat/completions", False),
        ("mcp_routes", "/key/generate", False),
        ("llm_api_routes", "/tickets/mcp", True),
        ("info_routes", "/key/info", True),
        ("info_routes", "/key/generate", False),
        ("", "/", False),
    ],
)
def test_entries_cover_whole_segments(entry, path, is_covered):
    assert covers_path(entry, path) is is_covered


@pytest.mark.parametrize(
    ("entry", "path", "of_gateway", "of_others"),
    [
        ("management_routes", "/key/mcp", True, False),
        ("info_routes", "/key/info", True, False),
        ("spend_tracking_routes", "/spend/mcp", True, False),
        ("global_spend_tracking_routes", "/global/mcp", True, False),
        ("/key/*", "/key/mcp", True, True),
        ("mcp_routes", "/key/mcp", False, True),
        ("mcp_routes", "/credentials/by_name/mcp", False, True),
        ("mcp_routes", "/mcp/enabled", True, True),
        ("llm_api_routes", "/team/mcp", False, True),
        ("llm_api_routes", "/anything", False, True),
        ("llm_api_routes", "/models/mcp", True, True),
    ],
)
def test_a_group_is_of_the_gateways_own_routes_or_of_others(entry, path, of_gateway, of_others):
    assert (covers_own_path(entry, path), covers_pass_through(entry, path)) == (of_gateway, of_others)


def test_a_key_without_a_list_is_free_and_one_with_a_list_is_held_to_it():
    lists = RouteLists()
    lists.check((), "/anything")
    lists.check(("/v1/embeddings", "/key/*"), "/key/info")
    with pytest.raises(PermissionDenied, match="Virtual key is not allowed to call this route") as raised:
        lists.check(("/v1/embeddings",), "/v1/chat/completions")
    assert (raised.value.status, raised.value.type) == (403, "auth_error")
