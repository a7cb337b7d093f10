"""What a key's type opens, and what the operator's defaults and bounds make of a new key."""

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

OPEN = {
    "default": {"chat", "look", "make"},
    "llm_api": {"chat"},
    "management": {"look", "make"},
    "read_only": {"look"},
}


async def reach(desk: Desk, live: LiveGateway, key: str) -> set[str]:
    """What the key can do; what its type closes answers 403 and says so."""
    answers = {
        "chat": await live.chat(key),
        "look": await desk.ask("GET", "/key/info", key),
        "make": await desk.ask("POST", "/key/generate", key, json={}),
    }
    for answer in answers.values():
        if answer.status_code != 200:
            assert answer.status_code == 403
            assert "not allowed to call this route" in answer.json()["error"]["message"]
    return {name for name, answer in answers.items() if answer.status_code == 200}


@pytest.mark.parametrize("key_type", OPEN)
async def test_a_type_opens_its_routes(desk: Desk, live: LiveGateway, key_type: str):
    user, _ = await desk.make_user()
    made = await desk.post("/key/generate", {"user_id": user, "key_type": key_type})
    assert made["key_type"] == key_type
    assert await reach(desk, live, made["key"]) == OPEN[key_type]


async def test_a_key_passes_its_routes_on(desk: Desk, live: LiveGateway):
    user, _ = await desk.make_user()
    manager = (await desk.post("/key/generate", {"user_id": user, "allowed_routes": ["/key/*"]}))["key"]
    made = await desk.post("/key/generate", {}, manager)
    assert made["allowed_routes"] == ["/key/*"]
    assert await reach(desk, live, made["key"]) == {"look", "make"}


async def test_an_unknown_type_is_422(desk: Desk):
    answer = await desk.post("/key/generate", {"key_type": "everything"}, status=422)
    assert answer["detail"][0]["loc"] == ["body", "key_type"]


async def test_defaults_and_bounds_follow_a_reload(desk: Desk, live: LiveGateway):
    section = {
        "default_key_generate_params": {"rpm_limit": 7},
        "upperbound_key_generate_params": {"max_budget": 2, "duration": "30d"},
    }
    live.configure(deployment("m", live.upstream), litellm_settings=section)
    made = await desk.post("/key/generate", {})
    assert (made["rpm_limit"], made["max_budget"]) == (7, 2)
    assert made["expires"] is not None
    key = made["key"]
    for path, body in (
        ("/key/generate", {"max_budget": 3}),
        ("/key/generate", {"duration": "31d"}),
        ("/key/update", {"key": key, "max_budget": 3}),
        ("/key/update", {"key": key, "duration": "-1"}),
        ("/key/regenerate", {"key": key, "max_budget": None}),
    ):
        assert (await desk.refusal(path, body))[:2] == (400, "bad_request_error")
    live.configure(deployment("m", live.upstream))
    made = await desk.post("/key/generate", {})
    assert (made["rpm_limit"], made["max_budget"], made["expires"]) == (None, None, None)
