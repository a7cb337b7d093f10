"""Numbers in queries that no database takes: whatever the route, they are its caller's mistake."""

import re
from typing import Any

import pytest

from tests.integration.serving import MASTER_KEY, LiveGateway, bearer

pytestmark = pytest.mark.asyncio(loop_scope="session")

NUMBERS = ("505628803327184273408", "-505628803327184273408", "9223372036854775807", "2147483648")


def numbers_of(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Every whole number that a GET route reads from its query, with the route's path."""
    return [
        (re.sub(r"\{[^}]*\}", "x", path), parameter["name"])
        for path, item in document["paths"].items()
        for parameter in item.get("get", {}).get("parameters", ())
        if parameter["in"] == "query" and "integer" in str(parameter["schema"])
    ]


async def test_no_number_in_a_query_is_a_failure(live: LiveGateway) -> None:
    document = (await live.http.get("/openapi.json", headers=bearer(MASTER_KEY))).json()
    wanted = numbers_of(document)
    assert len(wanted) > 30
    failed: list[str] = []
    for path, name in wanted:
        for number in NUMBERS:
            answer = await live.http.get(path, params={name: number}, headers=bearer(MASTER_KEY))
            if answer.status_code >= 500:
                failed.append(f"{path}?{name}={number}: {answer.status_code}")
    assert failed == []
