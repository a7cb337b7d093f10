"""Which servers a path, a name and a mark lead to."""

import pytest
from gateway_mcp.aggregate.marks import mark_id, mark_message, read_mark
from gateway_mcp.names import join_name, join_uri, split_name, split_uri
from gateway_mcp.places import Places, find_place
from gateway_mcp.server_terms import McpServer
from gateway_mcp.upstreams import Upstream, Upstreams

SERVERS = Upstreams(
    {
        "one": McpServer(url="http://one.test/mcp", server_id="id-1", access_groups=("red", "blue")),
        "two": McpServer(url="http://two.test/mcp", alias="zwei", access_groups=("red",)),
        "team/three": McpServer(url="http://three.test/mcp"),
    }
)
ONE, TWO, THREE = SERVERS.all()


@pytest.mark.parametrize(
    ("path", "names"),
    [
        ("/mcp", ["one", "two", "team/three"]),
        ("/mcp/one,two", ["one", "two"]),
        ("/zwei,one,nobody/mcp", ["two", "one"]),
        ("/mcp/red", ["one", "two"]),
        ("/red,two/mcp", ["one", "two"]),
        ("/mcp/blue", ["one"]),
        ("/mcp/one,one", ["one"]),
    ],
)
def test_a_path_with_several_servers(path: str, names: list[str]) -> None:
    place = find_place(path, SERVERS)
    assert place is not None
    assert not place.is_single
    assert [one.name for one in place.upstreams] == names


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/mcp/one", "one"),
        ("/one/mcp", "one"),
        ("/mcp/id-1", "one"),
        ("/zwei/mcp", "two"),
        ("/mcp/team/three", "team/three"),
        ("/team/three/mcp", "team/three"),
    ],
)
def test_a_path_with_one_server(path: str, name: str) -> None:
    place = find_place(path, SERVERS)
    assert place is not None
    assert place.is_single
    assert place.upstreams[0].name == name


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/",
            "",
            "/mcp/",
            "/mcp/nobody",
            "/one",
            "/one/mcp/x",
            "/x/one/mcp",
            "/mcp/one/two",
            "/mcp/,",
            "/mcp/ONE",
        ),
        *(
            "/mcp//one",
            "/mcp/" + ",".join(f"s{index}" for index in range(16)) + ",one",
            "/a/b/c",
            "/team/mcp",
            "/.well-known/oauth-protected-resource/two,one/mcp",
        ),
    ],
)
def test_a_path_that_leads_nowhere(path: str) -> None:
    assert find_place(path, SERVERS) is None


def test_names_lead_back() -> None:
    for upstream in SERVERS.all():
        for name in ("add", "a-b", "one-add", "-", "x+y"):
            assert split_name(join_name(upstream, name), SERVERS.all()) == (upstream, name)
            assert split_uri(join_uri(upstream, f"file:///{name}"), SERVERS.all()) == (
                upstream,
                f"file:///{name}",
            )
    assert split_name("two-add", SERVERS.all()) == (TWO, "add"), "the name leads there as the alias does"
    assert split_name("id-1-add", SERVERS.all()) == (ONE, "add")
    for name in ("add", "one-", "one", "oneadd", "", "three-add"):
        assert split_name(name, SERVERS.all()) is None


@pytest.mark.parametrize("identifier", [1, "x", "a b", "", None, 1.5])
def test_marks_lead_back(identifier: object) -> None:
    assert read_mark(mark_id(ONE, identifier)) == ("id-1", identifier)


@pytest.mark.parametrize("identifier", [1, None, "x", "id-1 {", " 1", "", {"a": 1}])
def test_what_is_no_mark(identifier: object) -> None:
    assert read_mark(identifier) is None


def test_what_a_client_may_come_back_to_is_marked() -> None:
    question = {"jsonrpc": "2.0", "id": 3, "method": "elicitation/create", "params": {}}
    assert mark_message(ONE, question)
    assert question["id"] == "id-1 3"
    link = {"type": "resource_link", "uri": "note://a"}
    inside = {"type": "resource", "resource": {"uri": "note://b", "text": "x"}}
    answer = {"id": 1, "result": {"content": [link, inside, {"type": "text", "text": "note://c"}]}}
    assert mark_message(ONE, answer)
    assert (link["uri"], inside["resource"]) == ("one+note://a", {"uri": "one+note://b", "text": "x"})
    assert not mark_message(ONE, {"method": "notifications/progress", "params": {"progressToken": 1}})
    assert not mark_message(ONE, {"id": 1, "result": {"content": []}})


def test_a_place_that_was_found_is_found_again_as_long_as_the_servers_are_the_same():
    places, others = Places(), SERVERS.copy()
    found = places.find("/mcp/one", SERVERS)

    assert places.find("/mcp/one", SERVERS) is found
    assert places.find("/mcp/new", SERVERS) is None
    others.add(Upstream("new", McpServer(url="http://new.test/mcp")))
    assert places.find("/mcp/new", others) is not None
    assert places.find("/mcp/one", others) is not found
    assert places.find("/mcp/new", SERVERS) is None
