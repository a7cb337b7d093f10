"""The Redis in which workers count is looked at; what workers remember is forgotten."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.cache.look import LookFailedError, RedisAccess
from gateway.composition.redis import build_redis_access
from gateway.domain import Secret
from gateway.ids import hash_token
from tests.integration.counting import quiet
from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.integration.serving import LiveGateway
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

FORGETS = ("/cache/delete", "/cache/flushall")
_LONGEST_SECONDS = 30.0
LOOKS = ("/cache/ping", "/cache/redis/info")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    folder: Path = tmp_path_factory.mktemp("redis")
    with RedisServer(folder) as server:
        yield server


def give(live: LiveGateway, url: str | None) -> RedisAccess:
    """Have the routes look at this Redis."""
    access = build_redis_access(live.gateway.snapshot.settings)
    access = msgspec.structs.replace(access, url=None if url is None else Secret(url))
    live.gateway.parts.inventory.caches._redis = access
    return access


@pytest.fixture
def clean(live: LiveGateway) -> Iterator[None]:
    yield
    give(live, None)


async def test_a_redis_that_answers_is_healthy(
    desk: Desk, live: LiveGateway, server: RedisServer, clean: None
) -> None:
    give(live, f"{server.url.replace('//', '//default:@')}/0")
    pinged = await desk.get("/cache/ping")
    info = await desk.get("/cache/redis/info")
    client = server.client()
    kept = client.ttl("gatewright:probe")
    client.close()

    assert (pinged["status"], pinged["cache_type"], pinged["ping_response"]) == ("healthy", "redis", True)
    assert pinged["litellm_cache_params"]["port"] == server.port
    assert info["num_clients"] == len(info["clients"]) >= 1
    assert info["info"]["redis_version"]
    assert 0 < kept <= 10


async def test_without_redis_the_answer_says_so(desk: Desk, live: LiveGateway, clean: None) -> None:
    give(live, None)
    for path in LOOKS:
        error = (await desk.get(path, status=503))["error"]
        assert (error["type"], "REDIS_URL" in error["message"]) == ("cache_ping_error", True)


@pytest.mark.parametrize("url", ["redis://:hidden-word@127.0.0.1:1/0", "nothing", "redis://h:port"])
async def test_one_that_cannot_be_reached_is_told_without_its_address(
    desk: Desk, live: LiveGateway, clean: None, url: str
) -> None:
    give(live, url)
    for path in LOOKS:
        answer = await desk.get(path, status=503)
        assert answer["error"]["type"] == "cache_ping_error"
        assert "hidden-word" not in json.dumps(answer)
        assert "127.0.0.1" not in json.dumps(answer)


async def test_a_wrong_password_is_told(live: LiveGateway, server: RedisServer) -> None:
    client = server.client()
    client.config_set("requirepass", "secret")
    try:
        look = give(live, None).open_look(f"redis://:wrong@127.0.0.1:{server.port}")
        with pytest.raises(LookFailedError, match="password"):
            await look.ping()
    finally:
        client.execute_command("AUTH", "secret")
        client.config_set("requirepass", "")
        client.close()


async def test_workers_read_anew_what_somebody_else_changed(desk: Desk, live: LiveGateway) -> None:
    keys = [await live.make_key() for _ in range(2)]

    async def statuses() -> list[int]:
        return [(await desk.ask("GET", "/key/info", key)).status_code for key in keys]

    # Whatever is still to be heard of the new keys has them forgotten as well.
    await quiet(live)
    assert await statuses() == [200, 200]
    tokens = [hash_token(key) for key in keys]
    sql = 'UPDATE "LiteLLM_VerificationToken" SET blocked = true WHERE token = ANY ($1)'
    await desk.run(sql, tokens)
    remembered = await statuses()
    assert await desk.post("/cache/delete", {"keys": [keys[0]]}) == {"status": "success"}
    await until(statuses, [401, 200])
    assert await desk.post("/cache/flushall", {}) == {"status": "success"}
    await until(statuses, [401, 401])

    assert remembered == [200, 200]


async def until(ask: Callable[[], Awaitable[list[int]]], wanted: list[int]) -> None:
    """Ask again until the answers are these."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while (seen := await ask()) != wanted:
        assert loop.time() - begun < _LONGEST_SECONDS, seen


@pytest.mark.parametrize("body", [{}, {"keys": "x"}, {"keys": ["x"] * 1_001}, {"keys": ["x" * 513]}])
async def test_what_names_no_keys_is_refused(desk: Desk, body: object) -> None:
    answer = await desk.post("/cache/delete", body, status=422)

    assert answer["detail"][0]["loc"][:2] == ["body", "keys"]


@pytest.mark.parametrize("role", ["internal_user", "proxy_admin_viewer"])
async def test_viewers_look_and_only_admins_have_workers_forget(desk: Desk, role: str) -> None:
    _, key = await desk.make_user(role)
    looked = {(await desk.ask("GET", path, key)).status_code for path in LOOKS}
    asked = {(await desk.ask("POST", path, key, json={"keys": []})).status_code for path in FORGETS}

    assert looked == ({503} if role == "proxy_admin_viewer" else {401})
    assert asked == {401}


async def test_statements_are_counted(
    desk: Desk, live: LiveGateway, server: RedisServer, clean: None
) -> None:
    give(live, server.url)
    assert [await statements(desk, "GET", path) for path in LOOKS] == [0, 0]
    assert await statements(desk, "POST", "/cache/flushall") == 1
    assert await statements(desk, "POST", "/cache/delete", json={"keys": ["x"]}) == 1
