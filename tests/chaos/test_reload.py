"""SIGHUP, and what only the whole process shows: the server as an operator starts it."""

import asyncio
import signal
from pathlib import Path

import pytest

from tests.chaos.conftest import Stage, config_for
from tests.integration.serving import ServerProcess, deployment, eventually, wait_until_ready, write_config
from tests.upstreams import Upstream

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def wait_for_model(server: ServerProcess, key: str, name: str) -> None:
    async with asyncio.timeout(30):
        while (await server.chat(key, name)).status_code != 200:  # noqa: ASYNC110  another process tells nobody
            await asyncio.sleep(0.05)


async def test_a_reload_brings_a_new_model_and_a_broken_file_changes_nothing(stage: Stage) -> None:
    server, upstream = stage.server, stage.upstream
    key = await server.make_key()
    assert (await server.chat(key, "new")).status_code == 400
    write_config(server.config_path, config_for(upstream, deployment("new", upstream)))
    assert server.process is not None
    server.process.send_signal(signal.SIGHUP)
    await wait_for_model(server, key, "new")
    server.config_path.write_text("model_list: [{model_name: x")
    server.process.send_signal(signal.SIGHUP)
    await eventually(lambda: "reload_refused" in server.log_path.read_text(), pause=0.05)
    assert (await server.chat(key, "new")).status_code == 200


async def test_a_reload_during_the_start_ends_nothing(
    upstream: Upstream, migrated_database_url: str, tmp_path: Path
) -> None:
    server = ServerProcess(tmp_path, config_for(upstream), migrated_database_url)
    await server.spawn()
    await eventually(lambda: bool(server.worker_pids()))
    ready = asyncio.create_task(wait_until_ready(server.http, server.process))
    while not ready.done():
        assert server.process is not None
        server.process.send_signal(signal.SIGHUP)
        await asyncio.sleep(0.05)
    await ready
    await eventually(lambda: "reloaded" in server.log_path.read_text(), pause=0.05)
    assert await server.stop() == 0
    await server.http.aclose()


async def test_the_process_serves_the_real_client_and_browsers(stage: Stage) -> None:
    server = stage.server
    client = server.openai(await server.make_key())
    stream = await client.chat.completions.create(
        model="m", messages=[{"role": "user", "content": "Hello"}], stream=True
    )
    assert [chunk.choices[0].delta.content async for chunk in stream] == ["Hello", " there", None]
    asked = {"origin": "https://app.example", "access-control-request-method": "POST"}
    preflight = await server.http.options("/v1/chat/completions", headers=asked)
    assert preflight.status_code == 204
    assert preflight.headers["access-control-allow-origin"] == "*"
