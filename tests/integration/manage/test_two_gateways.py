"""Two gateways with one database: what is changed through one is served by the other within a second."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from tests.conftest import DatabaseFactory
from tests.integration.serving import MASTER_KEY, ServerProcess, bearer, deployment
from tests.upstreams import Upstream

pytestmark = [pytest.mark.asyncio, pytest.mark.slow]


async def ask_until(gateway: ServerProcess, key: str, *, served: bool) -> None:
    """Return when the real client is answered, or refused; a question a second later must be."""
    client, loop = gateway.openai(key), asyncio.get_running_loop()
    messages: Any = [{"role": "user", "content": "Say hello"}]
    begun = loop.time()
    while True:
        asked = loop.time()
        try:
            answer = await client.chat.completions.create(model="added", messages=messages)
        except openai.BadRequestError:
            is_served = False
        else:
            is_served = answer.model == "added"
        if is_served is served:
            return
        assert asked - begun < 1.0
        await asyncio.sleep(0.01)


async def chat_until(gateway: ServerProcess, key: str, status: int) -> None:
    """Return when a key is answered so; a question a second later must be."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        asked = loop.time()
        if (await gateway.chat(key)).status_code == status:
            return
        assert asked - begun < 1.0
        await asyncio.sleep(0.01)


async def test_a_model_is_served_by_every_gateway_and_after_a_restart(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path: Path
) -> None:
    name = await database_factory.create_async(migrated_template)
    url = database_factory.url_of(name)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    async with (
        Upstream() as upstream,
        ServerProcess(folders[0], {}, url) as one,
        ServerProcess(folders[1], {}, url) as two,
    ):
        key = await one.make_key()
        params = {"model": "openai/real-model", "api_base": upstream.base_url, "api_key": "sk-upstream"}
        made = await one.post("/model/new", MASTER_KEY, {"model_name": "added", "litellm_params": params})
        assert made.status_code == 200, made.text
        await ask_until(two, key, served=True)
        await ask_until(one, key, served=True)

        await share_what_is_not_a_model(one, two, key, upstream)

        await two.stop()
        await two.start()
        await ask_until(two, key, served=True)

        model_id = made.json()["model_id"]
        answer = await two.http.post("/model/delete", json={"id": model_id}, headers=bearer(MASTER_KEY))
        assert answer.status_code == 200
        await ask_until(one, key, served=False)
    await database_factory.drop_async(name)


async def share_what_is_not_a_model(
    one: ServerProcess, two: ServerProcess, key: str, upstream: Upstream
) -> None:
    """Guardrails and pass-throughs are served by both, too."""
    params = {"guardrail": "keywords", "mode": "pre_call", "blocked_words": [{"keyword": "aurora"}]}
    guardrail = {"guardrail_name": "words", "litellm_params": {**params, "default_on": True}}
    made = await one.post("/guardrails", MASTER_KEY, {"guardrail": guardrail})
    assert made.status_code == 200, made.text
    sent = {"path": "/svc", "target": f"{upstream.origin}/v1/embeddings"}
    assert (await one.post("/config/pass_through_endpoint", MASTER_KEY, sent)).status_code == 200
    for text, status in (("borealis", 200), ("aurora", 400)):
        await post_until(two, key, {"model": "m", "input": text}, status)
    gone = await two.http.delete(f"/guardrails/{made.json()['guardrail_id']}", headers=bearer(MASTER_KEY))
    assert gone.status_code == 200
    await post_until(one, key, {"model": "m", "input": "aurora"}, 200)


async def post_until(gateway: ServerProcess, key: str, body: dict[str, Any], status: int) -> None:
    """Return when a pass-through answers so; a question a second later must be."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        asked = loop.time()
        if (await gateway.post("/svc", key, body)).status_code == status:
            return
        assert asked - begun < 1.0
        await asyncio.sleep(0.01)


async def test_the_keys_of_a_deactivated_user_are_refused_by_every_gateway(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path: Path
) -> None:
    url = database_factory.url_of(await database_factory.create_async(migrated_template))
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    async with (
        Upstream() as upstream,
        ServerProcess(folders[0], {"model_list": [deployment("m", upstream)]}, url) as one,
        ServerProcess(folders[1], {"model_list": [deployment("m", upstream)]}, url) as two,
    ):
        scim = bearer(await one.make_key(allowed_routes=["/scim/*"]))
        made = await one.http.post("/scim/v2/Users", json={"userName": "ada"}, headers=scim)
        assert made.status_code == 201, made.text
        key = await one.make_key(user_id="ada")
        for active, status in ((True, 200), (False, 401), (True, 200)):
            operation = {"op": "replace", "path": "active", "value": active}
            answer = await one.http.patch(
                "/scim/v2/Users/ada", json={"Operations": [operation]}, headers=scim
            )
            assert answer.status_code == 200, answer.text
            for gateway in (one, two):
                await chat_until(gateway, key, status)


async def test_settings_count_in_every_gateway(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path: Path
) -> None:
    name = await database_factory.create_async(migrated_template)
    url = database_factory.url_of(name)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
    async with ServerProcess(folders[0], {}, url) as one, ServerProcess(folders[1], {}, url) as two:
        google = {"google_client_id": "c", "google_client_secret": "s", "proxy_base_url": "https://g.example"}
        changes: list[tuple[str, dict[str, object], str, Any]] = [
            ("/update/sso_settings", google, "/sso/readiness", lambda said: said.get("provider") == "google"),
            (
                "/update/ui_settings",
                {"disable_custom_api_keys": True},
                "/get/ui_settings",
                lambda said: said["values"]["disable_custom_api_keys"],
            ),
            (
                "/update/default_team_settings",
                {"max_budget": 5},
                "/get/default_team_settings",
                lambda said: said["values"]["max_budget"] == 5,
            ),
            (
                "/config/cost_discount_config",
                {"openai": 0.5},
                "/config/cost_discount_config",
                lambda said: said["values"] == {"openai": 0.5},
            ),
        ]
        for path, body, seen_at, is_seen in changes:
            answer = await one.http.patch(path, json=body, headers=bearer(MASTER_KEY))
            assert answer.status_code == 200, answer.text
            await see_until(two, seen_at, is_seen)
    await database_factory.drop_async(name)


async def see_until(gateway: ServerProcess, path: str, is_seen: Callable[[Any], bool]) -> None:
    """Return when a route shows a change; what is asked a second later must."""
    loop = asyncio.get_running_loop()
    begun = loop.time()
    while True:
        asked = loop.time()
        answer = await gateway.http.get(path, headers=bearer(MASTER_KEY))
        if is_seen(answer.json()):
            return
        assert asked - begun < 1.0, answer.text
        await asyncio.sleep(0.01)
