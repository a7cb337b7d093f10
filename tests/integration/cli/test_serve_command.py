"""How `gatewright serve` starts, does not start, and keeps its embedded database."""

import asyncio
import contextlib
import json
import os
import re
import signal
import socket
from pathlib import Path
from subprocess import CompletedProcess

import httpx
import pytest

from gateway.app import create_app
from gateway.errors import StartupError
from gateway.settings import load_settings
from tests.certificates import write_certificate
from tests.integration.cli.conftest import NOBODY, Run, environment, surroundings
from tests.integration.serving import ServerProcess, free_port, write_config

MODEL = {"model_name": "a", "litellm_params": {"model": "mock/a"}}
REFUSED_AT_ONCE = {
    "an unknown setting": ({"gatewright": {"limts": {}}}, "Did you mean 'limits'?"),
    "a setting that nothing enforces": (
        {"general_settings": {"enable_oauth2_auth": True}},
        "enable_oauth2_auth",
    ),
}
MISSPELT = {"model_list": [MODEL], "gatewright": {"plugins": {"allow": ["guardrials"]}}}
REFUSED_BY_A_WORKER = {
    "a misspelt plugin": (MISSPELT, "Did you mean 'guardrails'?"),
    "a model of no provider": (
        {"model_list": [{"model_name": "a", "litellm_params": {"model": "nonsense/x"}}]},
        "model_list[0].litellm_params.model",
    ),
    "a price file that is not there": (
        {"model_list": [MODEL], "gatewright": {"price_file": "none.json"}},
        "none.json",
    ),
}


def serve(run: Run, folder: Path, config: object, **environ: str):
    (folder / "config.yaml").write_text(json.dumps(config))
    address = ("--host", "127.0.0.1", "--port", str(free_port()))
    return run("serve", "--config", str(folder / "config.yaml"), *address, **environ)


def assert_is_one_sentence(result: CompletedProcess[str], expected: str) -> None:
    assert (result.returncode, result.stdout) == (1, "")
    [line] = result.stderr.splitlines()
    assert line.startswith("gatewright: ")
    assert expected in line


@pytest.mark.parametrize(("config", "expected"), REFUSED_AT_ONCE.values(), ids=REFUSED_AT_ONCE)
def test_what_cannot_be_served_is_one_sentence(run: Run, tmp_path: Path, config: object, expected: str):
    assert_is_one_sentence(serve(run, tmp_path, config, DATABASE_URL=NOBODY), expected)


def test_what_a_worker_refuses_is_one_sentence(shell: Run, tmp_path: Path):
    result = serve(shell, tmp_path, MISSPELT, DATABASE_URL=NOBODY)
    assert_is_one_sentence(result, "Did you mean 'guardrails'?")


@pytest.mark.parametrize(("config", "expected"), REFUSED_BY_A_WORKER.values(), ids=REFUSED_BY_A_WORKER)
def test_a_worker_refuses_what_cannot_be_served(tmp_path: Path, config: dict[str, object], expected: str):
    path = write_config(tmp_path / "config.yaml", config)
    environ = environment(tmp_path, {"DATABASE_URL": NOBODY})
    with (
        surroundings(tmp_path, environ, ["gatewright"]),
        pytest.raises(StartupError, match=re.escape(expected)),
    ):
        create_app(load_settings(path, environ), environ)


def test_an_address_where_another_gateway_listens_is_refused(run: Run):
    with socket.socket() as other:
        # As a gateway does, whose workers share the port.
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = run("serve", "--host", "127.0.0.1", "--port", str(port), DATABASE_URL=NOBODY)
    assert (result.returncode, result.stdout) == (1, "")
    assert f"Cannot listen on 127.0.0.1:{port}: Address already in use." in result.stderr


def test_several_workers_without_redis_are_refused(run: Run):
    result = run("serve", "--workers", "2", "--port", str(free_port()), DATABASE_URL=NOBODY)
    assert result.returncode == 1
    assert "2 workers without REDIS_URL" in result.stderr


@pytest.mark.parametrize("flags", [{}, {"DISABLE_SCHEMA_UPDATE": "true"}])
def test_a_database_that_is_away_is_one_sentence(shell: Run, tmp_path: Path, flags: dict[str, str]):
    result = serve(shell, tmp_path, {"model_list": [MODEL]}, DATABASE_URL=NOBODY, **flags)
    assert result.returncode == 1
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("gatewright: The database at postgresql://somebody@127.0.0.1:1/nothing ")
    assert "refused" in line


def test_a_database_that_may_not_be_upgraded_is_one_sentence(shell: Run, tmp_path: Path, database_url: str):
    config = {"model_list": [MODEL], "general_settings": {"disable_prisma_schema_update": True}}
    result = serve(shell, tmp_path, config, DATABASE_URL=database_url)
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert "gatewright db upgrade" in line


def test_a_journal_that_cannot_be_written_is_one_sentence(
    shell: Run, tmp_path: Path, migrated_database_url: str
):
    (tmp_path / "journal").write_text("in the way")
    result = serve(shell, tmp_path, {"model_list": [MODEL]}, DATABASE_URL=migrated_database_url)
    assert result.returncode == 1
    [line] = result.stderr.splitlines()
    assert "journal" in line


async def test_it_tells_notices_of_models_once_and_its_address_when_it_is_ready(
    tmp_path: Path, migrated_database_url: str
):
    unpriced = {"model_name": "b", "litellm_params": {"model": "openai/unheard-of", "api_key": "x"}}
    config = {"model_list": [MODEL, unpriced]}
    async with ServerProcess(tmp_path, config, migrated_database_url) as server:
        log = server.log_path.read_text()
    assert log.count("no price is known for 'openai/unheard-of'") == 1
    assert f"Gatewright listens on http://127.0.0.1:{server.port}" in log


async def test_the_flags_of_litellms_scripts_serve_tls_below_a_prefix_with_logs_in_json(
    tmp_path: Path, migrated_database_url: str
):
    pair = str(write_certificate(tmp_path))
    flags = (
        *("--ssl_certfile_path", pair, "--ssl_keyfile_path", pair, "--telemetry", "False"),
        *("--server_root_path", "/llm", "--log-json", "--use_prisma_db_push"),
        *("--enforce_prisma_migration_check", "--detailed_debug"),
    )
    async with ServerProcess(tmp_path, {"model_list": [MODEL]}, migrated_database_url, flags=flags) as server:
        client = server.openai(await server.make_key(), "/llm/v1")
        models = [model.id async for model in client.models.list()]
        lines = server.log_path.read_text().splitlines()
    assert models == ["a"]
    events = [json.loads(line)["event"] for line in lines]
    assert events[:4] == [
        "--telemetry is accepted and does nothing: this gateway sends no telemetry.",
        "--use_prisma_db_push is accepted and does nothing: see --db-upgrade.",
        "--enforce_prisma_migration_check is accepted: serve always checks the schema before it serves.",
        "--detailed_debug is accepted and does nothing: there is no debug output.",
    ]
    assert any(event.startswith("Gatewright listens on https://127.0.0.1") for event in events)


def test_a_certificate_that_is_none_is_one_sentence(run: Run, tmp_path: Path):
    path = tmp_path / "hello.pem"
    path.write_text("hello")
    flags = {"SSL_CERTFILE_PATH": str(path), "SSL_KEYFILE_PATH": str(path)}
    result = serve(run, tmp_path, {"model_list": [MODEL]}, DATABASE_URL=NOBODY, **flags)
    assert_is_one_sentence(result, "hello.pem holds no certificate in PEM form.")


async def test_an_embedded_database_that_was_killed_comes_back(tmp_path: Path):
    async with ServerProcess(tmp_path, {"model_list": [MODEL]}, None) as server:
        pid_file = tmp_path / "data" / "pg18" / "postmaster.pid"
        first = int(pid_file.read_text().split()[0])
        os.kill(first, signal.SIGKILL)
        async with asyncio.timeout(60):
            while True:
                with contextlib.suppress(FileNotFoundError, IndexError, httpx.TransportError):
                    is_other = int(pid_file.read_text().split()[0]) != first
                    if is_other and (await server.http.get("/health/readiness")).status_code == 200:
                        break
                await asyncio.sleep(0.1)
        assert (await server.make_key()).startswith("sk-")
        assert await server.stop() == 0
    assert not pid_file.exists()
