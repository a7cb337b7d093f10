import pytest

from gateway.domain import AccessGroup, ObjectPermission, Principal, Scope, ScopeKind, Subject
from gateway.errors import PermissionDenied
from gateway.sdk.permissions import (
    McpDirectory,
    allowed_mcp_servers,
    allowed_mcp_tools,
    check_search_tool,
    check_vector_stores,
    permissions_on,
)
from gateway.testing import make_principal

DIRECTORY = McpDirectory(
    lambda group: {"g": ("s3",)}.get(group, ()),
    lambda toolset: {"t": {"s4": ("read",)}}.get(toolset, {}),
)


def permission(kind: ScopeKind, **fields: object) -> ObjectPermission:
    return ObjectPermission(owner=Scope(kind, kind.value), id="p", **fields)


def caller(*permissions: ObjectPermission, groups: tuple[AccessGroup, ...] = ()) -> Principal:
    return make_principal(permissions=permissions, access_groups=groups)


def servers(principal: Principal, *subjects: Subject) -> frozenset[str] | None:
    return allowed_mcp_servers(principal, subjects, DIRECTORY)


KEY = permission(ScopeKind.KEY, mcp_servers=("s1", "s2"))
TEAM = permission(ScopeKind.TEAM, mcp_servers=("s2", "s3"))


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ((), None),
        ((permission(ScopeKind.KEY),), None),
        ((KEY,), {"s1", "s2"}),
        ((TEAM,), {"s2", "s3"}),
        ((permission(ScopeKind.KEY), TEAM), {"s2", "s3"}),
        ((KEY, TEAM), {"s2"}),
        ((permission(ScopeKind.KEY, mcp_access_groups=("g",)),), {"s3"}),
        ((permission(ScopeKind.KEY, mcp_access_groups=("unknown",)),), set()),
        ((permission(ScopeKind.KEY, mcp_toolsets=("t",)),), {"s4"}),
        ((permission(ScopeKind.KEY, mcp_toolsets=("unknown",)),), set()),
        ((permission(ScopeKind.KEY, mcp_tool_permissions={"s5": ("x",)}),), {"s5"}),
        ((permission(ScopeKind.KEY, mcp_servers=("no_mcp_servers",)), TEAM), set()),
        ((KEY, permission(ScopeKind.USER, mcp_servers=("s1",))), {"s1"}),
        ((permission(ScopeKind.ORGANIZATION, mcp_servers=("s1",)),), {"s1"}),
        ((KEY, permission(ScopeKind.ORGANIZATION, mcp_servers=("s9",))), set()),
        ((KEY, permission(ScopeKind.TEAM, is_readable=False)), set()),
    ],
)
def test_servers_that_a_caller_may_reach(permissions, expected):
    found = servers(caller(*permissions))
    assert found == (None if expected is None else frozenset(expected))


def test_access_groups_add_to_what_key_and_team_allow():
    group = AccessGroup(owner=KEY.owner, id="g", mcp_servers=("s7",))
    assert servers(caller(KEY, TEAM, groups=(group,))) == {"s2", "s7"}
    none = permission(ScopeKind.KEY, mcp_servers=("no_mcp_servers",))
    assert servers(caller(none, groups=(group,))) == frozenset()


def test_what_the_request_names_can_only_take_away():
    agent = Subject(
        scope=Scope(ScopeKind.AGENT, "a"), permission=permission(ScopeKind.AGENT, mcp_servers=("s1",))
    )
    assert servers(caller(KEY), agent) == {"s1"}
    assert servers(caller(TEAM), agent) == frozenset()
    assert permissions_on(caller(KEY), (agent,)) == (KEY, agent.permission)


def test_tools_of_a_server():
    key = permission(ScopeKind.KEY, mcp_tool_permissions={"s4": ("write",)}, mcp_toolsets=("t",))
    team = permission(ScopeKind.TEAM, mcp_tool_permissions={"s4": ("read",), "s1": ()})
    assert allowed_mcp_tools(caller(), (), "s4", DIRECTORY) is None
    assert allowed_mcp_tools(caller(key), (), "s4", DIRECTORY) == {"read", "write"}
    assert allowed_mcp_tools(caller(key, team), (), "s4", DIRECTORY) == {"read"}
    assert allowed_mcp_tools(caller(team), (), "s1", DIRECTORY) == frozenset()
    assert allowed_mcp_tools(caller(team), (), "s2", DIRECTORY) is None
    broken = permission(ScopeKind.USER, is_readable=False)
    assert allowed_mcp_tools(caller(key, broken), (), "s4", DIRECTORY) == frozenset()


def test_search_tools():
    listed = permission(ScopeKind.TEAM, search_tools=("web",))
    check_search_tool((permission(ScopeKind.KEY), listed), "web")
    with pytest.raises(PermissionDenied) as raised:
        check_search_tool((permission(ScopeKind.KEY), listed), "dark")
    error = raised.value
    assert (error.status, error.type, error.param) == (403, "team_search_tool_access_denied", "search_tool")
    assert "web" not in error.message
    with pytest.raises(PermissionDenied):
        check_search_tool((permission(ScopeKind.KEY, is_readable=False),), "web")


def test_every_owner_must_allow_a_vector_store():
    one, other = permission(ScopeKind.KEY, vector_stores=("a", "b")), permission(ScopeKind.USER)
    check_vector_stores((one, other), ("a", "b"))
    check_vector_stores((permission(ScopeKind.KEY, is_readable=False),), ())
    with pytest.raises(PermissionDenied) as raised:
        check_vector_stores((other, one), ("a", "c"))
    assert (raised.value.type, raised.value.param) == ("key_vector_store_access_denied", "vector_store")
    assert "'c'" in raised.value.message
