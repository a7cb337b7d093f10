import pytest

from gateway.access.routes import RouteLists, covers_path
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


def test_a_key_without_a_list_is_free_and_one_with_a_list_is_held_to_it():
    lists = RouteLists()
    lists.check((), "/anything")
    lists.check(("/v1/embeddings", "/key/*"), "/key/info")
    with pytest.raises(PermissionDenied, match="Virtual key is not allowed to call this route") as raised:
        lists.check(("/v1/embeddings",), "/v1/chat/completions")
    assert (raised.value.status, raised.value.type) == (403, "auth_error")
