"""Every party may have of a running gateway what the permits say, member by member, and no more."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import msgspec
import pytest
import pytest_asyncio

from gateway.access.rules import RouteRule
from gateway.composition.routes import ROUTES
from gateway.ids import hash_token
from gateway.permits.permit import SENSITIVE
from gateway.permits.terms import Party
from tests.integration.manage.conftest import Desk
from tests.integration.manage.inventory import Served
from tests.integration.serving import LiveGateway

pytestmark = pytest.mark.asyncio(loop_scope="session")

OA, TA, TM = Party.ORGANIZATION_ADMIN, Party.TEAM_ADMIN, Party.TEAM_MEMBER
_ADMINS = {Party.PROXY_ADMIN, Party.PROXY_ADMIN_VIEWER, Party.CALLER}


class World:
    """An organization with a team in it, and somebody of every kind with a key."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.users: dict[str, str] = {}
        self.keys: dict[str, str] = {}
        self.member = self.model = ""

    async def build(self) -> "World":
        roles = {"viewer": "internal_user_viewer", "watcher": "proxy_admin_viewer"}
        for name in (OA, TA, TM, "owner", "stranger", "viewer", "watcher"):
            self.users[name], self.keys[name] = await self.desk.make_user(roles.get(name, "internal_user"))
        self.organization = await self.desk.make_organization(self.users[OA], max_budget=1000)
        self.other_organization = await self.desk.make_organization()
        members = [(TA, "admin"), (TM, "user"), ("viewer", "admin")]
        team = {
            "organization_id": self.organization,
            "max_budget": 100,
            "members_with_roles": [{"user_id": self.users[who], "role": role} for who, role in members],
            "team_member_permissions": ["/key/generate", "/key/service-account/generate"],
        }
        self.team = (await self.desk.post("/team/new", team))["team_id"]
        self.other_team = (await self.desk.post("/team/new", {}))["team_id"]
        self.project = (await self.desk.post("/project/new", {"team_id": self.team}))["project_id"]
        self.team_key = await self.desk.live.make_key(user_id=self.users[TM], team_id=self.team)
        own = await self.desk.post("/key/generate", {}, key=self.keys["owner"])
        self.own_key = own["key"]
        self.budget = (await self.desk.post("/budget/new", {"max_budget": 5}))["budget_id"]
        self.desk.live.gateway.parts.principals.clear()
        return self

    def sample(self, name: str) -> Any:
        """A value that gives somebody something."""
        values: dict[str, Any] = {
            "max_budget": 3,
            "soft_budget": 2,
            "budget_duration": "7d",
            "budget_id": self.budget,
            "budget_limits": [{"budget_duration": "1d", "max_budget": 1}],
            "model_max_budget": {"m": {"max_budget": 1, "budget_duration": "1d"}},
            "spend": 1,
            "tpm_limit": 5,
            "rpm_limit": 5,
            "max_parallel_requests": 2,
            "models": ["m"],
            "allowed_routes": ["management_routes"],
            "permissions": {"anything": True},
            "object_permission": {"mcp_servers": ["a"]},
            "user_role": "proxy_admin",
            "role": "admin",
            "user_id": self.users["stranger"],
            "team_id": self.other_team,
            "organization_id": self.other_organization,
            "organizations": [self.other_organization],
            "teams": [self.other_team],
            "guardrails": ["g"],
            "policies": ["p"],
            "tags": ["t"],
            "metadata": {"note": "x"},
            "access_group_ids": ["group"],
            "blocked": True,
            "team_member_permissions": ["/key/update"],
            "team_member_budget": 1,
            "members_with_roles": [{"user_id": self.users["stranger"], "role": "admin"}],
            "max_budget_in_team": 1,
            "allowed_models": ["m"],
            "throttle_on_budget_exceeded": True,
            "config": {"a": 1},
            "password": "a-password-of-some-length",
        }
        return values[name]


async def _nothing(_world: World) -> None:
    return None


class Scene(msgspec.Struct, frozen=True):
    """How a route is asked about the world: the body that a party sends, and who it is.

    `prepare` makes anew what the route uses up.
    """

    method: str
    path: Callable[[World], str]
    body: Callable[[World, str], dict[str, Any]]
    prepare: Callable[[World], Awaitable[None]] = _nothing

    async def ask(self, world: World, who: str, **members: Any) -> Any:
        await self.prepare(world)
        body = {**self.body(world, who), **members}
        return await world.desk.ask(self.method, self.path(world), world.keys[who], json=body)


def _post(
    path: str,
    body: Callable[[World, str], dict[str, Any]],
    prepare: Callable[[World], Awaitable[None]] = _nothing,
) -> Scene:
    return Scene("POST", lambda _: path, body, prepare)


async def _fresh_keys(world: World) -> None:
    world.team_key = await world.desk.live.make_key(user_id=world.users[TM], team_id=world.team)
    world.own_key = (await world.desk.post("/key/generate", {}, key=world.keys["owner"]))["key"]


async def _fresh_member(world: World) -> None:
    """Somebody who has just entered the organization, without a key."""
    user = {"organizations": [world.organization], "auto_create_key": False}
    world.member = (await world.desk.post("/user/new", user))["user_id"]


async def _fresh_team_member(world: World) -> None:
    await _fresh_member(world)
    await world.desk.post("/team/member_add", {"team_id": world.team, "member": {"user_id": world.member}})


async def _fresh_model(world: World) -> None:
    made = await world.desk.post("/model/new", _new_model(world, TA), key=world.keys[TA])
    world.model = made["model_id"]


def _new_model(world: World, _who: str) -> dict[str, Any]:
    params = {"model": "openai/m", "api_base": "https://models.example.com/v1", "api_key": "k"}
    return {"model_name": "m", "litellm_params": params, "model_info": {"team_id": world.team}}


def _team_and_member(world: World, _who: str) -> dict[str, Any]:
    return {"team_id": world.team, "user_id": world.member}


def _key_of(world: World, who: str) -> str:
    return hash_token(world.own_key if who == "owner" else world.team_key)


def _new_key(world: World, who: str) -> dict[str, Any]:
    return {} if who == "owner" else {"team_id": world.team}


SCENES: Mapping[str, Scene] = {
    "/key/generate": _post("/key/generate", _new_key),
    "/key/service-account/generate": _post(
        "/key/service-account/generate", lambda world, who: {"team_id": world.team}
    ),
    "/key/update": _post("/key/update", lambda world, who: {"key": _key_of(world, who)}),
    "/key/block": _post("/key/block", lambda world, who: {"key": _key_of(world, who)}),
    "/key/unblock": _post("/key/unblock", lambda world, who: {"key": _key_of(world, who)}),
    "/team/new": _post("/team/new", lambda world, who: {"organization_id": world.organization}),
    "/team/update": _post("/team/update", lambda world, who: {"team_id": world.team}),
    "/team/{team_id:str}": Scene("PATCH", lambda world: f"/team/{world.team}", lambda world, who: {}),
    "/team/block": _post("/team/block", lambda world, who: {"team_id": world.team}),
    "/team/unblock": _post("/team/unblock", lambda world, who: {"team_id": world.team}),
    "/team/member_update": _post(
        "/team/member_update", lambda world, who: {"team_id": world.team, "user_id": world.users[TM]}
    ),
    "/team/member_add": _post(
        "/team/member_add",
        lambda world, who: {"team_id": world.team, "member": {"user_id": f"{world.team}-{who}"}},
    ),
    "/team/permissions_update": _post(
        "/team/permissions_update",
        lambda world, who: {"team_id": world.team, "team_member_permissions": ["/key/generate"]},
    ),
    "/organization/member_add": _post(
        "/organization/member_add",
        lambda world, who: {
            "organization_id": world.organization,
            "member": {"user_id": world.users[TM], "role": "internal_user"},
        },
    ),
    "/organization/member_update": Scene(
        "PATCH",
        lambda _: "/organization/member_update",
        lambda world, who: {
            "organization_id": world.organization,
            "user_id": world.users[OA],
            "role": "org_admin",
        },
    ),
    "/project/new": _post("/project/new", lambda world, who: {"team_id": world.team}),
    "/project/update": _post("/project/update", lambda world, who: {"project_id": world.project}),
    "/organization/member_delete": Scene(
        "DELETE",
        lambda _: "/organization/member_delete",
        lambda world, who: {"organization_id": world.organization, "user_id": world.member},
        _fresh_member,
    ),
    "/team/member_delete": _post("/team/member_delete", _team_and_member, _fresh_team_member),
    "/team/bulk_member_add": _post(
        "/team/bulk_member_add",
        lambda world, who: {"team_id": world.team, "members": [{"user_id": world.member}]},
        _fresh_member,
    ),
    "/team/permissions_bulk_update": _post(
        "/team/permissions_bulk_update",
        lambda world, who: {"team_ids": [world.team], "permissions": ["/key/update"]},
    ),
    "/team/key/bulk_update": _post(
        "/team/key/bulk_update",
        lambda world, who: {
            "team_id": world.team,
            "key_ids": [hash_token(world.team_key)],
            "update_fields": {"max_budget": 1},
        },
    ),
    "/key/regenerate": _post("/key/regenerate", lambda world, who: {"key": _key_of(world, who)}, _fresh_keys),
    "/invitation/new": _post("/invitation/new", lambda world, who: {"user_id": world.member}, _fresh_member),
    "/model/new": _post("/model/new", _new_model),
    "/model/update": _post(
        "/model/update", lambda world, who: {"model_info": {"id": world.model}}, _fresh_model
    ),
    "/model/{model_id:str}/update": Scene(
        "PATCH", lambda world: f"/model/{world.model}/update", lambda world, who: {}, _fresh_model
    ),
    "/user/new": _post("/user/new", lambda world, who: {"organizations": [world.organization]}),
    "/user/update": _post("/user/update", lambda world, who: {"user_id": world.users["owner"]}),
}
# A login's own session, requests for somebody else to decide, and the same service by another path.
_TOLD_ELSEWHERE = frozenset(
    {
        *("/session/logout", "/user/password/change", "/user/request_model", "/key/{key:str}/regenerate"),
        "/guardrails/register",
    }
)
# Whose something is, is bounded by who may give and take it; a check that somebody else has set stays. The
# services' own tests ask that.
_BOUNDED = frozenset({"organizations", "teams", "user_role", "members_with_roles", "guardrails"})
_RULES: Mapping[str, RouteRule] = {
    path: handler.opt["rule"]
    for handler in ROUTES
    if handler.http_methods - {"GET", "HEAD", "OPTIONS"}
    for path in handler.paths
}


def _party(who: str) -> Party | None:
    names: dict[str, Party] = {OA: OA, TA: TA, TM: TM, "owner": Party.OWNER}
    return names.get(who)


def _sensitive(rule: RouteRule) -> list[str]:
    assert rule.body is not None
    names = {field.encode_name for field in msgspec.structs.fields(rule.body)} & SENSITIVE
    # Before others are kept in it.
    return sorted(names, key=lambda name: (name != "metadata", name))


@pytest_asyncio.fixture(loop_scope="session", autouse=True)
async def _no_models_stay(live: LiveGateway) -> AsyncIterator[None]:
    yield
    await Served(live).empty()


async def test_every_route_with_sensitive_members_has_a_scene() -> None:
    left_out = [
        path
        for path, rule in _RULES.items()
        if not rule.is_read_only and not rule.is_public and rule.body is not None
        if set(rule.permit.fields) - _ADMINS and _sensitive(rule)
        if path not in SCENES and path not in _TOLD_ELSEWHERE
    ]

    assert left_out == []


@pytest.mark.parametrize("path", SCENES)
async def test_who_is_not_permitted_is_refused_and_who_is_is_not(desk: Desk, path: str) -> None:
    world, scene, permit = await World(desk).build(), SCENES[path], _RULES[path].permit

    wrong: list[str] = []
    for who in ("stranger", "viewer", "watcher", TM, "owner", TA, OA):
        answer = await scene.ask(world, who)
        # That a team is none of one's own is a fault of the value for the contract's makers of keys.
        refused = {401, 403, 400} if path.startswith("/key/") else {401, 403}
        is_wrong = (
            answer.status_code >= 400 if permit.admits(_party(who)) else answer.status_code not in refused
        )
        if is_wrong:
            wrong.append(f"{who}: {answer.status_code} {answer.text}")

    assert wrong == []


@pytest.mark.parametrize("path", SCENES)
async def test_a_member_that_is_not_the_partys_is_refused_by_name(desk: Desk, path: str) -> None:
    world, scene, rule = await World(desk).build(), SCENES[path], _RULES[path]

    wrong: list[str] = []
    for who in ("owner", TM, TA, OA):
        if not rule.permit.admits(_party(who)):
            continue
        for name in _sensitive(rule):
            if name in scene.body(world, who) or rule.permit.lets(_party(who), name):
                continue
            answer = await scene.ask(world, who, **{name: world.sample(name)})
            if name == "password":
                # Nobody sets it here, a proxy admin neither.
                is_refused = answer.status_code == 422
            else:
                is_refused = answer.status_code == 403 and answer.json()["error"]["param"] == name
            if not is_refused:
                wrong.append(f"{who} sets {name}: {answer.status_code} {answer.text}")

    assert wrong == []


@pytest.mark.parametrize("path", SCENES)
async def test_a_member_that_is_the_partys_is_not_refused(desk: Desk, path: str) -> None:
    world, scene, rule = await World(desk).build(), SCENES[path], _RULES[path]

    wrong: list[str] = []
    for name in _sensitive(rule):
        if name.endswith(("_id", "_ids")) or name in _BOUNDED:
            continue
        for who in ("owner", TM, TA, OA):
            if rule.permit.lets(_party(who), name):
                answer = await scene.ask(world, who, **{name: world.sample(name)})
                if answer.status_code in {401, 403} or answer.status_code >= 500:
                    wrong.append(f"{who} sets {name}: {answer.status_code} {answer.text}")

    assert wrong == []


@pytest.mark.parametrize("path", [path for path in SCENES if "metadata" in _sensitive(_RULES[path])])
async def test_metadata_that_the_gateway_acts_on_is_a_proxy_admins(desk: Desk, path: str) -> None:
    world, scene, rule = await World(desk).build(), SCENES[path], _RULES[path]

    wrong: list[str] = []
    meaningful = {"guardrails": ["x"], "model_rpm_limit": {"x": 1}, "tags": ["x"], "service_account_id": "x"}
    for who in ("owner", TM, TA, OA):
        for name, value in meaningful.items():
            if rule.permit.lets(_party(who), "metadata"):
                answer = await scene.ask(world, who, metadata={name: value})
                if answer.status_code != 403 or answer.json()["error"]["param"] != f"metadata.{name}":
                    wrong.append(f"{who} sets metadata.{name}: {answer.status_code} {answer.text}")

    assert wrong == []


async def test_what_the_door_lets_in_is_refused_where_only_proxy_admins_may(desk: Desk) -> None:
    user_id, key = await desk.make_user()
    asked: dict[str, tuple[str, dict[str, object]]] = {
        "/key/bulk_update": ("POST", {"keys": [{"key": hash_token(key), "max_budget": 1}]}),
        "/user/bulk_update": ("POST", {"users": [{"user_id": user_id, "user_role": "proxy_admin"}]}),
        "/health/services": ("GET", {"service": "slack"}),
        "/health/test_connection": (
            "POST",
            {"litellm_params": {"model": "openai/m", "api_base": "http://x"}},
        ),
    }

    answers = {
        path: await desk.ask(method, path, key, **{"params" if method == "GET" else "json": sent})
        for path, (method, sent) in asked.items()
    }

    assert {path: answer.status_code for path, answer in answers.items()} == dict.fromkeys(asked, 403)
