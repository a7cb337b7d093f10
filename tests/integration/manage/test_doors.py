"""Every route x role that the route is closed to: refused over HTTP, with every sensitive member it takes.

`test_parties.py` goes on behind the doors: what parties whom a route lets in may set, member by member.
"""

import asyncio
import json
import socket
from collections.abc import Mapping

import msgspec
import pytest

from gateway.access.rules import RouteRule, is_open_to
from gateway.composition.routes import ROUTES
from gateway.domain import Role
from gateway.permits.permit import SENSITIVE
from gateway.permits.terms import Action, Party
from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway
from tests.unit.access.test_sensitive_members import REFUSED_BEHIND_THE_DOOR

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOBODY, NO_USER = "no credential", "no user"
_ADMINS = {Party.PROXY_ADMIN, Party.PROXY_ADMIN_VIEWER}
_REFUSED_INSIDE = REFUSED_BEHIND_THE_DOOR | {"/budget/list", "/budget/settings", "/management/v1/budgets"}
"""The contract lets other roles in, and refuses them there; `test_budgets.py` asks the last three."""
_ROUTES: tuple[tuple[str, str, RouteRule], ...] = tuple(
    (method, path, handler.opt["rule"])
    for handler in ROUTES
    for method in sorted(handler.http_methods - {"HEAD", "OPTIONS"})
    for path in sorted(handler.paths)
)
_CALLERS = (*(role.value for role in Role if role is not Role.PROXY_ADMIN), NO_USER, NOBODY)


def _is_closed(path: str, rule: RouteRule, caller: str) -> bool:
    """Whether only proxy admins are permitted what the route does, or the caller's role has no way in."""
    if rule.is_public or caller == NOBODY:
        return not rule.is_public
    may_look = caller == Role.PROXY_ADMIN_VIEWER and rule.permit.action is Action.READ
    if not set(rule.permit.fields) - _ADMINS and not may_look:
        return path not in _REFUSED_INSIDE
    return not is_open_to(rule, None if caller == NO_USER else Role(caller))


def _body_of(rule: RouteRule, user_id: str) -> bytes:
    """A body that raises whoever sends it, if only it is read."""
    if rule.body is None:
        return b"{}"
    values: Mapping[str, object] = {"user_id": user_id, "user_role": "proxy_admin", "role": "admin"}
    names = {field.encode_name for field in msgspec.structs.fields(rule.body)} & SENSITIVE
    return json.dumps({name: values.get(name, 1_000) for name in sorted(names)}).encode()


def _path_of(path: str) -> str:
    """The path with a name in the place of each parameter."""
    return "/".join("some" if part.startswith("{") else part for part in path.split("/"))


def _ask(origin: str, method: str, path: str, key: str | None, body: bytes) -> bytes:
    """The whole answer, over a connection of its own: a door shuts before the body is read."""
    credential = f"authorization: Bearer {key}\r\n" if key else ""
    head = (
        f"{method} {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n{credential}"
        f"content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n"
    )
    host, _, port = origin.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(head.encode() + body)
        parts = list(iter(lambda: connection.recv(65_536), b""))
    return b"".join(parts)


def _walk(live: LiveGateway, caller: str, key: str | None, user_id: str) -> list[str]:
    """What was not refused of all that is closed to a caller."""
    wrong: list[str] = []
    for method, path, rule in _ROUTES:
        if _is_closed(path, rule, caller):
            answer = _ask(live.origin, method, _path_of(path), key, _body_of(rule, user_id))
            if not answer.startswith((b"HTTP/1.1 401 ", b"HTTP/1.1 403 ")):
                wrong.append(f"{method} {path}: {answer[:200]!r}")
    return wrong


@pytest.mark.parametrize("caller", _CALLERS)
async def test_closed_is_every_route_that_is_not_for(caller: str, live: LiveGateway, desk: Desk) -> None:
    user_id, key = "", None
    if caller == NO_USER:
        key = await live.make_key()
    elif caller != NOBODY:
        user_id, key = await desk.make_user(caller)

    wrong = await asyncio.to_thread(_walk, live, caller, key, user_id)

    assert wrong == []
    if user_id:
        row = 'SELECT user_role, max_budget FROM "LiteLLM_UserTable" WHERE user_id = $1'
        [user] = await live.gateway.parts.database.fetch(row, user_id)
        assert tuple(user.values()) == (caller, None)
        assert await desk.value('SELECT count(*) FROM "LiteLLM_AuditLog" WHERE changed_by = $1', user_id) == 0


async def test_every_route_of_proxy_admins_alone_is_walked_for_everybody_else() -> None:
    closed = {(path, name) for _, path, rule in _ROUTES for name in _CALLERS if _is_closed(path, rule, name)}
    left_out = [
        path
        for _, path, rule in _ROUTES
        if not rule.is_public and not set(rule.permit.fields) - _ADMINS
        if path not in _REFUSED_INSIDE
        if not {(path, "internal_user"), (path, NO_USER), (path, NOBODY)} <= closed
    ]

    assert left_out == []
    assert len(closed) > 1_000
