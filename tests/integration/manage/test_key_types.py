"""What a key's type opens: requests to models, management, or looking."""

import pytest

from tests.integration.manage.conftest import Desk
from tests.integration.serving import LiveGateway

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
