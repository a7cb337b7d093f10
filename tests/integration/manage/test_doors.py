"""Every route of a running gateway lets in whom its rule lets in, and nobody else."""

import re
from collections.abc import Iterator

import httpx
import pytest

from gateway.access.rules import RouteRule, is_open_to
from gateway.composition.routes import ROUTES
from gateway.domain import Role
from gateway.permits.terms import Action, Resource
from tests.integration.manage.conftest import Desk
from tests.integration.serving import bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")

_ROLES = (
    *(Role.PROXY_ADMIN_VIEWER, Role.ORG_ADMIN, Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER),
    *(Role.TEAM, Role.CUSTOMER),
)
_REFUSED = {401, 403}
_SLOW = {Resource.GATEWAY}
"""Their routes probe deployments; other tests do that."""


def _routes() -> Iterator[tuple[str, str, RouteRule]]:
    """Method, a path that names nothing that is there, and rule."""
    for handler in ROUTES:
        for method in sorted(handler.http_methods - {"OPTIONS", "HEAD"}):
            for path in sorted(handler.paths):
                yield method, re.sub(r"\{[^}]*\}", "nothing", path), handler.opt["rule"]


async def _ask(desk: Desk, method: str, path: str, key: str | None) -> httpx.Response:
    headers = bearer(key) if key else {}
    content = None if method == "GET" else b"{}"
    return await desk.live.http.request(method, path, headers=headers, content=content)


async def test_without_a_credential_only_public_routes_answer(desk: Desk) -> None:
    answered = [
        (method, path)
        for method, path, rule in _routes()
        if not rule.is_public and (await _ask(desk, method, path, None)).status_code != 401
    ]

    assert answered == []


@pytest.mark.parametrize("role", _ROLES)
async def test_a_role_does_not_pass_a_door_that_is_closed_to_it(desk: Desk, role: Role) -> None:
    _, key = await desk.make_user(role)

    let_in: list[str] = []
    for method, path, rule in _routes():
        if rule.is_public or is_open_to(rule, role):
            continue
        answer = await _ask(desk, method, path, key)
        if answer.status_code != 401 or answer.json()["error"]["type"] != "auth_error":
            let_in.append(f"{method} {path} {answer.status_code}")

    assert let_in == []


async def test_a_key_without_a_user_reaches_what_is_open_to_all(desk: Desk) -> None:
    key = await desk.live.make_key()

    wrong: list[str] = []
    for method, path, rule in _routes():
        if not rule.is_public and not is_open_to(rule, None):
            answer = await _ask(desk, method, path, key)
            if answer.status_code != 401:
                wrong.append(f"{method} {path} {answer.status_code}")

    assert wrong == []


@pytest.mark.parametrize("role", [Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER])
async def test_administrators_and_viewers_may_read_everything(desk: Desk, role: Role) -> None:
    _, key = await desk.make_user(role)

    refused: list[str] = []
    for method, path, rule in _routes():
        if rule.permit.action is Action.READ and rule.permit.resource not in _SLOW:
            answer = await _ask(desk, method, path, key)
            # Behind the door there is no Redis to look at.
            is_without_redis = rule.permit.resource is Resource.CACHE and answer.status_code == 503
            if answer.status_code in _REFUSED or (answer.status_code >= 500 and not is_without_redis):
                refused.append(f"{method} {path} {answer.status_code}")

    assert refused == []


@pytest.mark.parametrize("role", [Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER_VIEWER])
async def test_who_only_looks_changes_nothing(desk: Desk, role: Role) -> None:
    _, key = await desk.make_user(role)

    done: list[str] = []
    for method, path, rule in _routes():
        # Whoever logged in may log out, and choose another password.
        is_own = rule.permit.resource is Resource.LOGIN
        if not rule.is_read_only and not rule.is_public and not is_own:
            answer = await _ask(desk, method, path, key)
            if answer.status_code < 400:
                done.append(f"{method} {path} {answer.status_code}")

    assert done == []


@pytest.mark.parametrize("state", ["blocked = true", "expires = now() AT TIME ZONE 'UTC' - interval '1 day'"])
async def test_blocked_and_expired_keys_of_administrators_open_nothing(desk: Desk, state: str) -> None:
    user_id, key = await desk.make_user(Role.PROXY_ADMIN)
    await desk.run(f'UPDATE "LiteLLM_VerificationToken" SET {state} WHERE user_id = $1', user_id)
    desk.live.gateway.parts.principals.clear()

    opened: list[str] = []
    for method, path, rule in _routes():
        if not rule.is_public:
            answer = await _ask(desk, method, path, key)
            if answer.status_code not in _REFUSED:
                opened.append(f"{method} {path} {answer.status_code}")

    assert opened == []


async def test_a_key_that_is_restricted_to_models_reaches_no_management_route(desk: Desk) -> None:
    user_id, _ = await desk.make_user(Role.PROXY_ADMIN)
    key = await desk.live.make_key(user_id=user_id, allowed_routes=["llm_api_routes"])

    opened: list[str] = []
    for method, path, rule in _routes():
        if not rule.is_public and rule.permit.resource is not Resource.MODEL:
            answer = await _ask(desk, method, path, key)
            if answer.status_code != 403:
                opened.append(f"{method} {path} {answer.status_code}")

    assert opened == []
