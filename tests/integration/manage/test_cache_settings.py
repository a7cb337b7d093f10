"""Settings of a cache of answers are kept for LiteLLM; any Redis can be tried."""

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.integration.manage.conftest import Desk
from tests.integration.manage.counting import statements
from tests.redis_servers import RedisServer

pytestmark = pytest.mark.asyncio(loop_scope="session")

CACHE, COORDINATION = "/cache/settings", "/coordination_redis/settings"
PASSWORD = "a-password-of-some-length"
TRIES = [(f"{CACHE}/test", "cache_settings"), (f"{COORDINATION}/test", "settings")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    folder: Path = tmp_path_factory.mktemp("redis")
    with RedisServer(folder) as server:
        yield server


@pytest_asyncio.fixture(loop_scope="session")
async def clean(desk: Desk) -> AsyncIterator[None]:
    yield
    await desk.run('DELETE FROM "LiteLLM_CacheConfig"')


async def test_what_is_kept_is_sealed_masked_audited_and_said_to_have_no_effect(
    desk: Desk, clean: None
) -> None:
    settings = {"type": "redis", "host": "redis", "port": 6379, "password": PASSWORD, "ttl": 60.5}
    kept = await desk.post(CACHE, {"cache_settings": settings})
    shown = await desk.get(CACHE)
    again = await desk.post(CACHE, {"cache_settings": {**shown["current_values"], "ttl": None}})
    stored = await desk.live.gateway.parts.inventory.cache_settings.stored()
    row = await desk.value('SELECT cache_settings::text FROM "LiteLLM_CacheConfig"')
    trail = await desk.get("/audit", object_id="cache_config", page_size=2)

    masked = f"****{PASSWORD[-4:]}"
    assert (kept["status"], kept["is_effective"], "no effect" in kept["message"]) == ("success", False, True)
    assert kept["settings"] == {**settings, "password": masked}
    assert shown["current_values"] == kept["settings"]
    fields = {field["field_name"]: field["field_value"] for field in shown["fields"]}
    assert (fields["host"], fields["password"], fields["db"]) == ("redis", masked, None)
    assert "ttl" not in again["settings"]
    assert stored == {"type": "redis", "host": "redis", "port": 6379, "password": PASSWORD}
    assert PASSWORD not in row
    assert '"redis"' not in row
    assert trail["audit_logs"][0]["table_name"] == "LiteLLM_CacheConfig"
    assert PASSWORD not in json.dumps(trail)


async def test_addresses_and_lists_are_shown_without_passwords(desk: Desk, clean: None) -> None:
    nodes = [{"host": "a", "password": PASSWORD}]
    settings = {"url": f"redis://:{PASSWORD}@redis:6379/0", "redis_startup_nodes": nodes}
    await desk.post(CACHE, {"cache_settings": settings})

    assert PASSWORD not in json.dumps(await desk.get(CACHE))


@pytest.mark.parametrize(("path", "member"), TRIES)
async def test_a_redis_that_answers_passes(
    desk: Desk, clean: None, server: RedisServer, path: str, member: str
) -> None:
    by_parts = await desk.post(path, {member: {"host": "127.0.0.1", "port": str(server.port), "db": 0}})
    by_url = await desk.post(path, {member: {"url": server.url}})
    nowhere = await desk.post(path, {member: {"host": "127.0.0.1", "port": 1, "password": PASSWORD}})

    assert (by_parts["status"], by_parts["error"]) == ("success", None)
    assert by_url == by_parts
    assert nowhere["status"] in {"failed", "error"}
    assert nowhere["error"] == "Redis does not answer."


async def test_a_masked_password_is_the_stored_one(desk: Desk, clean: None, server: RedisServer) -> None:
    client = server.client()
    client.config_set("requirepass", PASSWORD)
    try:
        settings = {"host": "127.0.0.1", "port": server.port, "password": PASSWORD}
        shown = (await desk.post(CACHE, {"cache_settings": settings}))["settings"]
        masked = await desk.post(f"{CACHE}/test", {"cache_settings": shown})
        wrong = await desk.post(f"{CACHE}/test", {"cache_settings": {**settings, "password": "wrong"}})
    finally:
        client.execute_command("AUTH", PASSWORD)
        client.config_set("requirepass", "")
        client.close()

    assert masked["status"] == "success"
    assert wrong["error"] == "Redis refuses this user or password."


async def test_a_stored_password_goes_to_no_other_address(
    desk: Desk, clean: None, server: RedisServer
) -> None:
    stored = {"host": "redis.internal", "port": 6379, "password": PASSWORD}
    shown = (await desk.post(CACHE, {"cache_settings": stored}))["settings"]
    elsewhere = {"host": "127.0.0.1", "port": server.port}
    by_url = {"url": f"redis://127.0.0.1:{server.port}", "password": shown["password"]}
    for path, moved in (
        (f"{CACHE}/test", {**shown, **elsewhere}),
        (f"{CACHE}/test", by_url),
        (CACHE, elsewhere),
        (CACHE, {"url": by_url["url"]}),
    ):
        status, _, param = await desk.refusal(path, {"cache_settings": moved})
        assert (status, param.rpartition(".")[2]) == (400, "password"), path
    told = await desk.post(CACHE, {"cache_settings": {**elsewhere, "password": "another"}})
    assert told["settings"]["host"] == "127.0.0.1"


@pytest.mark.parametrize(("path", "member"), TRIES)
@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({}, "host"),
        ({"host": "a b"}, "host"),
        ({"host": "h", "port": "many"}, "port"),
        ({"host": "h", "port": 70_000}, "port"),
        ({"url": "http://h"}, "url"),
        ({"type": "s3"}, "type"),
        ({"redis_startup_nodes": [{"host": "h"}]}, "redis_startup_nodes"),
    ],
)
async def test_what_names_no_redis_is_refused(
    desk: Desk, path: str, member: str, settings: dict[str, object], name: str
) -> None:
    assert (await desk.refusal(path, {member: settings}))[::2] == (400, f"{member}.{name}")


async def test_where_workers_count_is_shown_and_set_where_they_are_started(desk: Desk) -> None:
    shown = await desk.get(COORDINATION)
    answer = await desk.ask("POST", COORDINATION, json={"settings": {"host": "h"}})

    assert (shown["values"], shown["source"]) == ({}, "none")
    assert answer.status_code == 400
    assert "REDIS_URL" in answer.json()["error"]["message"]


@pytest.mark.parametrize(
    "settings",
    [{f"m{number}": 1 for number in range(101)}, {"host": "x" * 5_000}],
)
async def test_too_much_is_not_kept(desk: Desk, clean: None, settings: dict[str, object]) -> None:
    assert (await desk.refusal(CACHE, {"cache_settings": settings}))[0] == 400
    assert await desk.value('SELECT count(*) FROM "LiteLLM_CacheConfig"') == 0


@pytest.mark.parametrize(("role", "seen"), [("internal_user", 401), ("proxy_admin_viewer", 200)])
async def test_viewers_look_and_only_admins_change(desk: Desk, role: str, seen: int) -> None:
    _, key = await desk.make_user(role)
    for path in (CACHE, COORDINATION):
        assert (await desk.ask("GET", path, key)).status_code == seen
        for below in (path, f"{path}/test"):
            assert (await desk.ask("POST", below, key, json={})).status_code == 401


async def test_a_body_without_settings_names_the_member(desk: Desk) -> None:
    answer = await desk.post(CACHE, {"cache_settings": []}, status=422)

    assert answer["detail"][0]["loc"] == ["body", "cache_settings"]


async def test_statements_are_counted(desk: Desk, clean: None, server: RedisServer) -> None:
    body = {"cache_settings": {"host": "127.0.0.1", "port": server.port}}
    assert await statements(desk, "GET", CACHE) == 1
    assert await statements(desk, "GET", COORDINATION) == 0
    assert await statements(desk, "POST", CACHE, json=body) == 4
    assert await statements(desk, "POST", f"{CACHE}/test", json=body) == 1
