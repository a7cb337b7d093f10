"""Every rule on who reaches which server and tool: the list and the call ask the same predicate."""

from typing import Any

import pytest
from gateway_mcp.access import Access, AccessSettings
from gateway_mcp.places import Place, find_place, narrow_place
from gateway_mcp.reach import Reach
from gateway_mcp.rights import check_toolset
from gateway_mcp.server_terms import McpServer
from gateway_mcp.upstreams import Upstream, Upstreams

from gateway.domain import (
    AccessGroup,
    McpToolset,
    ObjectPermission,
    Principal,
    Role,
    Scope,
    ScopeKind,
    Subject,
)
from gateway.errors import PermissionDenied
from gateway.testing import make_context, make_principal

K, T, U, ORG, P, E, A = (
    *(ScopeKind.KEY, ScopeKind.TEAM, ScopeKind.USER, ScopeKind.ORGANIZATION),
    *(ScopeKind.PROJECT, ScopeKind.END_USER, ScopeKind.AGENT),
)
ALL, NONE = "a.add a.del b.add b.del open.add open.del", ""
TOOLS = ("add", "del")
STRICT_KEY = {"require_key_mcp_access_defined": True}
STRICT_END_USER = {"require_end_user_mcp_access_defined": True}


def of(kind: ScopeKind, *servers: str, **more: Any) -> ObjectPermission:
    return ObjectPermission(owner=Scope(kind, kind.value), id="p", mcp_servers=servers, **more)


def tools(kind: ScopeKind, **permissions: tuple[str, ...]) -> ObjectPermission:
    return of(kind, mcp_tool_permissions=permissions)


def build_upstreams(**settings: Any) -> Upstreams:
    url = "https://mcp.example.com/mcp"
    servers = {
        "a": McpServer(url=url, server_id="id-a", alias="other_a", access_groups=("g",)),
        "b": McpServer(url=url, server_id="id-b"),
        "open": McpServer(url=url, allow_all_keys=True),
    }
    built = Upstreams(servers, Access(AccessSettings(**settings)))
    built.add_toolset(McpToolset(toolset_id="t", name="set", tools={"id-a": ("add",)}))
    return built


def reached(upstreams: Upstreams, principal: Principal, headers: Any = None, **context: Any) -> str:
    asked = make_context({}, principal=principal)
    for name, value in context.items():
        setattr(asked, name, value)
    place = narrow_place(Place("*", upstreams.all()), headers or {}, upstreams)
    reach = Reach(asked, place, upstreams)
    found = [f"{one.name}.{tool}" for one in reach.upstreams for tool in TOOLS if reach.may_use(one, tool)]
    return " ".join(found)


OPEN = "open.add open.del"
A_ALL, B_ALL = "a.add a.del", "b.add b.del"


@pytest.mark.parametrize(
    ("permissions", "expected"),
    [
        ((), ALL),
        ((of(K),), ALL),
        ((of(K, "id-a"),), f"{A_ALL} {OPEN}"),
        ((of(K, "a"),), f"{A_ALL} {OPEN}"),
        ((of(K, "other_a"), of(T, "id-a")), f"{A_ALL} {OPEN}"),
        ((of(K, "a"), of(T, "b")), OPEN),
        ((of(K), of(T, "b")), f"{B_ALL} {OPEN}"),
        ((of(K, "nobody"),), OPEN),
        ((of(K, mcp_access_groups=("g",)),), f"{A_ALL} {OPEN}"),
        ((of(K, mcp_access_groups=("g",)), of(T, "b")), OPEN),
        ((of(K, mcp_toolsets=("set",)),), f"a.add {OPEN}"),
        ((of(K, mcp_toolsets=("gone",)),), OPEN),
        ((of(K, "b", mcp_toolsets=("set",)),), f"a.add {B_ALL} {OPEN}"),
        ((of(K, "no_mcp_servers"), of(T, "a")), NONE),
        ((of(K, "a"), of(T, is_readable=False)), NONE),
        ((of(U, "a"),), f"{A_ALL} {OPEN}"),
        ((of(K, "a", "b"), of(U, "b")), f"{B_ALL} {OPEN}"),
        ((of(ORG, "a"),), f"{A_ALL} {OPEN}"),
        ((of(K, "b"), of(ORG, "a")), OPEN),
        ((of(T, "a", "b"), of(P, "b")), f"{B_ALL} {OPEN}"),
        ((of(K, "a", "b"), of(A, "a")), f"{A_ALL} {OPEN}"),
        ((tools(K, a=("add",)),), f"a.add {OPEN}"),
        ((tools(K, a=("*",)), tools(T, a=("add",))), f"a.add {OPEN}"),
        ((tools(K, other_a=("add", "del")), tools(T, a=("add",))), f"a.add {OPEN}"),
        ((of(K, "a"), tools(T, a=("del",))), f"a.del {OPEN}"),
        ((of(K, "a"), tools(U, a=())), OPEN),
        ((tools(K, a=("add",)), tools(ORG, a=("del",))), OPEN),
        ((of(K, "a", mcp_tool_permissions={"a": ("add",)}, mcp_toolsets=("t",)),), f"a.add {OPEN}"),
        ((of(K, blocked_tools=("add",)),), "a.del b.del open.del"),
        ((of(T, blocked_tools=("a/add",)),), f"a.del {B_ALL} {OPEN}"),
    ],
)
def test_owners(permissions: Any, expected: str) -> None:
    assert reached(build_upstreams(), principal=make_principal(permissions=permissions)) == expected


GROUP = AccessGroup(owner=Scope(K, "k"), id="g", mcp_servers=("b",))


@pytest.mark.parametrize(
    ("settings", "permissions", "groups", "end_user", "expected"),
    [
        (STRICT_KEY, (), (), None, OPEN),
        (STRICT_KEY, (of(T, "a"),), (), None, OPEN),
        (STRICT_KEY, (of(K, "a"), of(T, "a", "b")), (), None, f"{A_ALL} {OPEN}"),
        (STRICT_KEY, (), (GROUP,), None, f"{B_ALL} {OPEN}"),
        ({}, (of(K, "a"),), (GROUP,), None, f"{A_ALL} {B_ALL} {OPEN}"),
        ({}, (of(K, "no_mcp_servers"),), (GROUP,), None, NONE),
        ({}, (of(K, "a"), of(ORG, "a")), (GROUP,), None, f"{A_ALL} {OPEN}"),
        ({}, (), (), of(E), ALL),
        ({}, (), (), of(E, "a"), f"{A_ALL} {OPEN}"),
        ({}, (of(K, "b"),), (), of(E, "a"), OPEN),
        (STRICT_END_USER, (), (), None, ALL),
        (STRICT_END_USER, (), (), of(E), OPEN),
        (STRICT_END_USER, (), (), of(E, "b"), f"{B_ALL} {OPEN}"),
    ],
)
def test_demands_groups_and_end_users(
    settings: Any, permissions: Any, groups: Any, end_user: Any, expected: str
) -> None:
    subjects = () if end_user is None else (Subject(scope=end_user.owner, permission=end_user),)
    found = reached(
        build_upstreams(**settings),
        principal=make_principal(permissions=permissions, access_groups=groups),
        subjects=subjects,
        end_user="somebody" if end_user else None,
    )
    assert found == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"x-mcp-servers": "a"}, A_ALL),
        ({"x-mcp-servers": "id-a, b"}, f"{A_ALL} {B_ALL}"),
        ({"x-mcp-servers": "g"}, A_ALL),
        ({"x-mcp-servers": ""}, NONE),
        ({"x-mcp-servers": "nobody"}, NONE),
        ({"x-mcp-access-groups": "g"}, A_ALL),
        ({"x-mcp-access-groups": "g", "x-mcp-servers": "b"}, NONE),
    ],
)
def test_headers_only_narrow(headers: Any, expected: str) -> None:
    upstreams = build_upstreams()
    assert reached(upstreams, principal=make_principal(), headers=headers) == expected
    held = make_principal(permissions=(of(K, "b", "no_mcp_servers"),))
    assert reached(upstreams, principal=held, headers=headers) == NONE


RESPECTS = {"mcp_allow_all_keys_respects_mcp_scope": True}


@pytest.mark.parametrize(
    ("settings", "permissions", "expected"),
    [
        (RESPECTS, (), f"{ALL} own.add own.del"),
        (RESPECTS, (of(K, "a"),), A_ALL),
        (RESPECTS, (of(T, "a"),), f"{A_ALL} own.add own.del"),
        (RESPECTS, (of(U, "a"),), f"{A_ALL} {OPEN} own.add own.del"),
        ({}, (of(T, "a"),), f"{A_ALL} {OPEN} own.add own.del"),
        ({}, (of(K, "a"),), f"{A_ALL} {OPEN}"),
        ({}, (tools(K, a=("add",)),), f"a.add {OPEN}"),
        ({}, (of(K, "no_mcp_servers"), of(T, "a")), NONE),
        ({}, (of(T, is_readable=False),), NONE),
        (STRICT_KEY, (), f"{OPEN} own.add own.del"),
    ],
)
def test_open_servers_and_own_submissions(settings: Any, permissions: Any, expected: str) -> None:
    upstreams = build_upstreams(**settings)
    upstreams.add(Upstream("own", McpServer(url="https://own"), is_tenants=True, submitter="somebody"))
    upstreams.add(Upstream("its", McpServer(url="https://its"), is_tenants=True, submitter="another"))
    principal = make_principal(permissions=permissions, user_id="somebody")
    expected = f"{expected} its.add its.del" if expected.startswith(ALL) else expected
    assert reached(upstreams, principal=principal) == expected


def test_a_toolset_is_for_those_who_have_it_and_opens_nothing_else() -> None:
    upstreams = build_upstreams()
    upstreams.add_toolset(McpToolset(toolset_id="t2", name="two", tools={"open": ("*",), "id-a": ("add",)}))
    place = find_place("/toolset/two/mcp", upstreams)
    assert place is not None
    for permissions, expected in (
        ((), None),
        ((of(K, "a", "open"),), None),
        ((of(K, mcp_toolsets=("t",)),), None),
        ((of(K, mcp_toolsets=("two",)),), "open.add open.del a.add"),
        ((of(T, mcp_toolsets=("t2",)),), "open.add open.del a.add"),
        ((of(T, mcp_toolsets=("t2",)), of(U, "a")), "a.add"),
    ):
        context = make_context({}, principal=make_principal(permissions=permissions))
        if expected is None:
            with pytest.raises(PermissionDenied):
                check_toolset(context, place)
            continue
        check_toolset(context, place)
        reach = Reach(context, place, upstreams)
        found = [
            f"{one.name}.{tool}" for one in reach.upstreams for tool in TOOLS if reach.may_use(one, tool)
        ]
        assert " ".join(found) == expected
    check_toolset(make_context({}, principal=make_principal(role=Role.PROXY_ADMIN)), place)


def test_admins_have_all_but_what_the_operator_takes_away() -> None:
    upstreams = build_upstreams()
    upstreams.add(Upstream("c", McpServer(url="https://c", disallowed_tools=("del",))))
    admin = make_principal(permissions=(of(K, "a"),), role=Role.PROXY_ADMIN)
    assert reached(upstreams, principal=admin) == f"{ALL} c.add"


def test_strangers_have_what_the_operator_gives_to_everybody_whatever_is_demanded_of_keys() -> None:
    upstreams = build_upstreams(**STRICT_KEY)
    upstreams.add(Upstream("c", McpServer(url="https://c", allow_anonymous=True)))
    assert reached(upstreams, principal=make_principal(token_hash="")) == f"{OPEN} c.add c.del"
    assert reached(upstreams, principal=make_principal()) == OPEN
