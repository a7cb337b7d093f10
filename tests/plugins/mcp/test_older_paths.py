import pytest
from gateway_mcp.older.paths import OlderPath, find_older, mount_of
from gateway_mcp.upstreams import McpServer, Upstreams

from gateway.domain import McpToolset

SERVERS = ("a", "b", "ns/sse", "sse/mcp", "x")


def build_upstreams(*names: str) -> Upstreams:
    upstreams = Upstreams({name: McpServer(url="https://server", access_groups=("sse",)) for name in names})
    upstreams.add_toolset(McpToolset(toolset_id="t", name="set", tools={"a": ("add",)}))
    return upstreams


@pytest.mark.parametrize(
    ("path", "mount"),
    [
        ("/mcp/sse", "/mcp"),
        ("/mcp/a/sse", "/mcp/a"),
        ("/a/mcp/sse", "/a/mcp"),
        ("/mcp/a,b/sse", "/mcp/a,b"),
        ("/toolset/set/mcp/sse", "/toolset/set/mcp"),
        ("/mcp/proxy/sse", "/mcp/proxy"),
        ("/mcp/ns/sse/sse", "/mcp/ns/sse"),
    ],
)
def test_a_stream_stands_below_each_path_of_servers(path: str, mount: str) -> None:
    upstreams = build_upstreams(*SERVERS)
    assert find_older(path, upstreams) == OlderPath(mount, is_stream=True)
    assert find_older(f"{path}/messages", upstreams) == OlderPath(mount, is_stream=False)
    assert mount_of(path, upstreams) == mount


@pytest.mark.parametrize(
    "path",
    [
        *("/mcp", "/a/mcp", "/sse", "/sse/messages", "/mcp/nobody/sse", "/nobody/mcp/sse", "/mcp/a/messages"),
        *("/mcp-rest/sse", "/mcp-rest/tools/list/sse", "/v1/mcp/tools/sse", "/mcp/ns/sse", "/a/sse"),
    ],
)
def test_other_paths_have_none(path: str) -> None:
    upstreams = build_upstreams(*SERVERS)
    assert find_older(path, upstreams) is None
    assert mount_of(path, upstreams) == path


def test_a_server_that_is_called_so_keeps_its_path() -> None:
    assert find_older("/mcp/sse", build_upstreams("sse")) is None
