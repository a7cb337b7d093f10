"""`/v1/models` with its options, and one model."""

import pytest

from tests.integration.counting import counting
from tests.integration.serving import MASTER_KEY, LiveGateway, bearer, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def names(
    live: LiveGateway, key: str, headers: dict[str, str] | None = None, **query: object
) -> list[str]:
    answer = await live.http.get("/v1/models", headers={**bearer(key), **(headers or {})}, params=query)
    assert answer.status_code == 200, answer.text
    return [item["id"] for item in answer.json()["data"]]


@pytest.fixture
def models(live: LiveGateway) -> None:
    live.configure(
        deployment("a", live.upstream, info_access_groups=["production"], info_id="a1"),
        deployment("b", live.upstream, info_id="b1"),
        deployment("any/*", live.upstream, model="openai/*"),
        router_settings={"fallbacks": [{"a": ["b"]}], "context_window_fallbacks": [{"b": ["a"]}]},
    )


async def test_wildcards_are_listed_on_request(live: LiveGateway, models: None, key: str) -> None:
    assert await names(live, key) == ["a", "b"]
    assert await names(live, key, return_wildcard_routes=True) == ["a", "b", "any/*"]


async def test_access_groups_are_listed_to_who_has_them(live: LiveGateway, models: None, key: str) -> None:
    assert await names(live, key, include_model_access_groups=True) == ["a", "b", "production"]
    assert await names(live, key, only_model_access_groups=True) == ["production"]
    member, stranger = await live.make_key(models=["production"]), await live.make_key(models=["a"])
    assert await names(live, member, include_model_access_groups=True) == ["a", "production"]
    assert await names(live, stranger, include_model_access_groups=True) == ["a"]


async def test_models_that_are_left_alone_can_be_left_out(live: LiveGateway, models: None, key: str) -> None:
    cooldowns = live.gateway.snapshot.router.cooldowns
    cooldowns._until["a1"] = live.gateway.clock.monotonic_nanos() + 60_000_000_000
    assert await names(live, key, healthy_only=True) == ["b"]
    for name, status in (("a", 404), ("b", 200)):
        answer = await live.http.get(f"/v1/models/{name}?healthy_only=true", headers=bearer(key))
        assert answer.status_code == status


async def test_fallbacks_are_told_on_request(live: LiveGateway, models: None, key: str) -> None:
    async def fallbacks(**query: object) -> dict[str, list[str]]:
        answer = await live.http.get("/v1/models", headers=bearer(key), params=query)
        return {item["id"]: item["metadata"]["fallbacks"] for item in answer.json()["data"]}

    assert await fallbacks(include_metadata=True) == {"a": ["b"], "b": []}
    assert await fallbacks(fallback_type="context_window") == {"a": [], "b": ["a"]}
    answer = await live.http.get("/v1/models?fallback_type=none", headers=bearer(key))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "fallback_type")


async def test_anthropics_clients_get_anthropics_shape(live: LiveGateway, models: None, key: str) -> None:
    headers = {**bearer(key), "anthropic-version": "2023-06-01"}
    answer = (await live.http.get("/v1/models", headers=headers)).json()
    assert (answer["first_id"], answer["last_id"], answer["has_more"]) == ("a", "b", False)
    assert answer["data"][0] == {
        "type": "model",
        "id": "a",
        "display_name": "a",
        "created_at": "2023-02-28T18:56:42Z",
    }


async def test_a_teams_models_are_told_to_its_members(live: LiveGateway, models: None, key: str) -> None:
    sent = {"team_id": f"team-{id(models)}-{key[-6:]}", "models": ["b"]}
    made = await live.post("/team/new", MASTER_KEY, sent)
    team_id = made.json()["team_id"]
    assert await names(live, MASTER_KEY, team_id=team_id) == ["b"]
    for path in ("/v1/models", "/v1/models/b"):
        answer = await live.http.get(path, headers=bearer(key), params={"team_id": team_id})
        assert (answer.status_code, answer.json()["error"]["param"]) == (404, "team_id")
    own = await live.make_key(team_id=team_id)
    async with counting(live) as counter:
        assert await names(live, own, team_id=team_id) == ["b"]
    assert len(counter) == 1, "the key's own look-up"


async def test_administrators_of_anything_see_every_name_on_request(live: LiveGateway, models: None) -> None:
    admin, member = f"admin-{live.origin[-4:]}-expand", f"member-{live.origin[-4:]}-expand"
    people = [{"user_id": admin, "role": "admin"}, {"user_id": member, "role": "user"}]
    body = {"members_with_roles": people, "models": ["a"]}
    made = await live.http.post("/team/new", json=body, headers=bearer(MASTER_KEY))
    team_id = made.json()["team_id"]
    of_admin = await live.make_key(team_id=team_id, user_id=admin)
    of_member = await live.make_key(team_id=team_id, user_id=member)
    assert await names(live, of_admin) == ["a"]
    assert await names(live, of_admin, scope="expand") == ["a", "b"]
    assert await names(live, of_member, scope="expand") == ["a"]
    answer = await live.http.get("/v1/models?scope=all", headers=bearer(of_admin))
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "scope")
