"""`gatewright explain` from the shell, on a database and through a running gateway."""

import asyncio
import json
import os
import secrets
from pathlib import Path

import pytest

from gateway.ids import hash_token
from tests.integration.cli.conftest import Run
from tests.integration.serving import MASTER_KEY, LiveGateway, deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")


def on_database(live: LiveGateway) -> tuple[dict[str, str], tuple[str, ...]]:
    """The environment and the options that lead to the database and configuration of a gateway."""
    return {"DATABASE_URL": live.environ["DATABASE_URL"]}, ("--config", str(live.folder / "config.yaml"))


async def test_the_database_is_asked_and_left_as_it_is(run: Run, live: LiveGateway, tmp_path: Path) -> None:
    alias = f"alias-{secrets.token_hex(4)}"
    key = await live.make_key(key_alias=alias, max_budget=1, metadata={"tags": ["red"]})
    assert (await live.chat(key)).status_code == 200
    spent = await live.spent_nanos(key)
    rows = len(await live.rows())
    environ, options = on_database(live)
    for name in (key, hash_token(key), alias):
        asked = ("explain", "--key", name, "--model", "m", "--json", *options)
        result = await asyncio.to_thread(run, *asked, **environ, GATEWAY_MASTER_KEY="")
        assert result.returncode == 0, result.stderr
        report = json.loads(result.stdout)
        assert (report["is_allowed"], report["limits"][0]["spend"]) == (True, spent / 1e9)
    assert os.listdir(tmp_path) == []  # noqa: PTH208  asked of a folder that nobody writes to meanwhile
    assert len(await live.rows()) == rows
    assert await live.spent_nanos(key) == spent


async def test_a_refusal_is_told_in_words_and_by_the_exit_code(shell: Run, live: LiveGateway) -> None:
    key = await live.make_key(max_budget=0, models=["n"])
    environ, options = on_database(live)
    result = await asyncio.to_thread(shell, "explain", "--key", key, "--model", "m", *options, **environ)
    assert (result.returncode, result.stderr) == (1, "")
    first = result.stdout.splitlines()[0]
    assert first.startswith(
        "The request would be refused by the rule 'model_access': 403 key_model_access_denied"
    )
    assert "Budget has been exceeded!" in result.stdout
    assert key not in result.stdout


async def test_every_option_is_a_part_of_the_request(run: Run, live: LiveGateway, tmp_path: Path) -> None:
    key = await live.make_key(metadata={"enforced_params": ["temperature"]})
    general = {
        "reject_clientside_metadata_tags": True,
        "allowed_ips": ["10.0.0.1"],
        "enforce_user_param": True,
        "require_trace_id": True,
    }
    live.configure(deployment("m", live.upstream), general_settings=general)
    environ, options = on_database(live)
    body = tmp_path / "body.json"
    body.write_text('{"messages": [{"role": "user", "content": "Hello"}], "temperature": 1}')
    good = ("--end-user", "ann", "--header", "x-litellm-trace-id: t", "--body", str(body))
    wrong = {
        "client_address": (*good, "--client-ip", "10.0.0.2"),
        "client_tags": (*good, "--tags", "a, b"),
        "end_user_named": good[2:],
        "trace_id": (*good[:2], *good[4:]),
        "required_members": good[:4],
        "body": (*good, "--route", "/v1/embeddings"),
    }
    asked = ("explain", "--key", key, "--model", "m", "--json", *options)
    fine = await asyncio.to_thread(run, *asked, *good, "--client-ip", "10.0.0.1", **environ)
    assert fine.returncode == 0, fine.stdout + fine.stderr
    assert json.loads(fine.stdout)["estimate"]["input_tokens"] > 0
    for rule, arguments in wrong.items():
        result = await asyncio.to_thread(run, *asked, *arguments, **environ)
        assert (result.returncode, json.loads(result.stdout)["refusal"]["rule"]) == (1, rule)


async def test_a_running_gateway_knows_its_counters(run: Run, live: LiveGateway) -> None:
    key = await live.make_key(rpm_limit=1)
    assert (await live.chat(key)).status_code == 200
    asked = ("explain", "--key", key, "--model", "m", "--url", live.origin)
    told = await asyncio.to_thread(run, *asked, "--json")
    assert (told.returncode, json.loads(told.stdout)["refusal"]["rule"]) == (1, "rates")
    assert json.loads(told.stdout)["key"]["token"] == hash_token(key)
    # Without another credential the key asks about itself, and sees as much as its owner.
    own = await asyncio.to_thread(run, *asked, "--json", GATEWAY_MASTER_KEY="")
    assert "token" not in json.loads(own.stdout)["key"]
    words = await asyncio.to_thread(run, *asked, "--api-key", MASTER_KEY)
    assert "'rates': 429" in words.stdout


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("--key", "nobody-has-it"), "There is no such key"),
        (("--key", "x", "--header", "no header"), "write 'name: value'"),
        (("--key", "KEY", "--route", "/key/info"), "is no route of models"),
        (("--key", "x", "--url", "ftp://here"), "is no address of a gateway"),
        (("--key", "x", "--url", "http://127.0.0.1:1"), "does not answer"),
    ],
)
async def test_what_cannot_be_explained_is_one_sentence(
    run: Run, live: LiveGateway, arguments: tuple[str, ...], text: str
) -> None:
    environ, options = on_database(live)
    key = await live.make_key()
    arguments = tuple(key if argument == "KEY" else argument for argument in arguments)
    result = await asyncio.to_thread(run, "explain", "--model", "m", *arguments, *options, **environ)
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1), result.stderr
    assert text in result.stderr
    assert result.stdout == ""


async def test_a_gateways_refusal_is_told(run: Run, live: LiveGateway) -> None:
    key, other = await live.make_key(), await live.make_key()
    asked = ("explain", "--key", key, "--model", "m", "--url", live.origin, "--api-key", other)
    result = await asyncio.to_thread(run, *asked)
    assert (result.returncode, len(result.stderr.splitlines())) == (1, 1)
    assert "your own keys explained only" in result.stderr
