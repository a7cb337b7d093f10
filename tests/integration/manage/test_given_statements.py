"""However many things a route is given, it sends as many SQL statements, or as many more as are declared."""

import re
from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import DatabaseFactory
from tests.integration.conftest import serve_new
from tests.integration.counting import counting, quiet, reread
from tests.integration.manage.conftest import Desk
from tests.integration.manage.given_routes import list_each_by_itself, list_given
from tests.integration.manage.listed_rows import add_rows
from tests.integration.serving import deployment

pytestmark = pytest.mark.asyncio(loop_scope="session")

_FAILED = re.compile(r'"success":false|"(failed_updates|skipped|errors)":\[[^]]')
"""What answers say of those that could not be."""
_FEW, _MANY = range(11, 13), range(13, 19)


@pytest_asyncio.fixture(loop_scope="session")
async def desk(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path: Path
) -> AsyncIterator[Desk]:
    """At a gateway of its own, with rows to name."""
    async with serve_new(database_factory, migrated_template, tmp_path) as live:
        live.configure(deployment("m", live.upstream), mcp_servers={})
        desk = Desk(live)
        await add_rows(desk, 1, max(_MANY))
        live.gateway.parts.added.note_change()
        # The administrator becomes a user with its first team.
        await desk.post("/team/new", {})
        yield desk


async def _measure(desk: Desk, numbers: Sequence[int]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for given in (*list_each_by_itself(numbers), *list_given(numbers)):
        await quiet(desk.live)
        await reread(desk.live)
        async with counting(desk.live) as counter:
            answer = await desk.ask(given.method, given.path, json=given.body)
        assert answer.status_code < 300, f"{given.name}: {answer.text}"
        assert not _FAILED.search(answer.text), f"{given.name}: {answer.text}"
        counts[given.name] = len(counter) - given.each * len(numbers)
    return counts


async def test_three_times_as_much_takes_no_more_than_is_declared(desk: Desk) -> None:
    assert await _measure(desk, _FEW) == await _measure(desk, _MANY)
