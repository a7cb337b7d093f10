"""However much there is, every list and every report asks the database as often."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.conftest import DatabaseFactory
from tests.integration.conftest import serve_new
from tests.integration.counting import counting, reread
from tests.integration.manage.conftest import Desk
from tests.integration.manage.listed_routes import FIGURES, LISTS, REPORTS, list_posts
from tests.integration.manage.listed_rows import add_rows

pytestmark = pytest.mark.asyncio(loop_scope="session")

_FEW, _MANY = 3, 9
_Counts = Mapping[str, tuple[int, int]]


@pytest_asyncio.fixture(loop_scope="session")
async def desk(
    database_factory: DatabaseFactory, migrated_template: str, tmp_path: Path
) -> AsyncIterator[Desk]:
    """At a gateway of its own: where other tests have left rows, first pages are full."""
    async with serve_new(database_factory, migrated_template, tmp_path) as live:
        yield Desk(live)


async def _add_rows(desk: Desk, first: int, last: int) -> None:
    """Add rows, and have the worker serve what it serves of them."""
    await add_rows(desk, first, last)
    desk.live.gateway.parts.added.note_change()
    await reread(desk.live)


async def _count(desk: Desk, method: str, path: str, **sent: Any) -> tuple[int, int]:
    """How many statements, and how many bytes answer."""
    async with counting(desk.live) as counter:
        answer = await desk.ask(method, path, **sent)
    assert answer.status_code == 200, f"{path}: {answer.text}"
    return len(counter), len(answer.content)


async def _measure(desk: Desk, rows: int) -> _Counts:
    counts: dict[str, tuple[int, int]] = {}
    for path, query in (*LISTS, *REPORTS, *FIGURES):
        counts[f"GET {path} {query}"] = await _count(desk, "GET", path, params=query)
    for path, body in list_posts(rows):
        counts[f"POST {path}"] = await _count(desk, "POST", path, json=body)
    return counts


def _grown(few: _Counts, many: _Counts) -> dict[str, tuple[int, int]]:
    """What takes more statements with more rows."""
    return {path: (count, many[path][0]) for path, (count, _) in few.items() if many[path][0] > count}


async def test_three_times_as_much_takes_as_many_statements(desk: Desk) -> None:
    await _add_rows(desk, 1, _FEW)
    few = await _measure(desk, _FEW)
    await _add_rows(desk, _FEW + 1, _MANY)
    many = await _measure(desk, _MANY)

    assert _grown(few, many) == {}
    figures = {f"GET {path} {query}" for path, query in FIGURES}
    told = {path for path, (_, size) in few.items() if many[path][1] > size}
    assert few.keys() - figures - told == set()
