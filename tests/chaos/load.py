"""Load for a server that is about to be killed, and the books that must balance afterwards."""

import asyncio
import contextlib
import json
from dataclasses import dataclass, field
from typing import Any

import httpx

from gateway.db.engine import Database
from gateway.db.url import parse_database_url
from gateway.ids import hash_token
from gateway.spend.books.check import check_books as compare_books
from tests.integration.serving import (
    INPUT_NANOS,
    OUTPUT_NANOS,
    ServerProcess,
    bearer,
    chat_body,
    eventually,
    fetch_rows,
)

PRICE = 11 * INPUT_NANOS + 7 * OUTPUT_NANOS
_SPEND = 'SELECT spend FROM "LiteLLM_VerificationToken" WHERE token = $1'
_ROWS = """
SELECT status, spend, metadata->>'litellm_call_id' AS call_id, metadata::text AS metadata
FROM "LiteLLM_SpendLogs" WHERE api_key = $1
"""


@dataclass
class Load:
    """Clients that ask until the server is gone.

    `answered` has the call ids of whole answers, `refused` the bodies of all other answers.
    """

    server: ServerProcess
    key: str
    answered: set[str] = field(default_factory=set)
    asked: set[str] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    runs: int = 0

    async def run(self, clients: int) -> None:
        self.runs += 1
        await asyncio.gather(*(self._ask(number) for number in range(clients)))

    async def wait_for_answers(self, count: int) -> None:
        await eventually(lambda: len(self.answered) >= count or bool(self.refused), seconds=60)
        assert self.refused == []

    async def _ask(self, client: int) -> None:
        async with httpx.AsyncClient(base_url=self.server.origin, timeout=20, verify=False) as http:
            with contextlib.suppress(httpx.TransportError):
                for number in range(100_000):
                    call_id = f"call-{self.runs}-{client}-{number}"
                    self.asked.add(call_id)
                    headers = {**bearer(self.key), "x-litellm-call-id": call_id}
                    answer = await http.post("/v1/chat/completions", json=chat_body(), headers=headers)
                    if answer.status_code != 200:
                        self.refused.append(answer.text)
                        return
                    self.answered.add(call_id)


@dataclass
class Books:
    """What the database says of one key."""

    spent_nanos: int
    rows: list[dict[str, Any]]

    @property
    def row_nanos(self) -> int:
        return sum(round(row["spend"] * 1e9) for row in self.rows)

    @property
    def call_ids(self) -> list[str]:
        return [row["call_id"] for row in self.rows]


async def read_books(database_url: str, key: str) -> Books:
    rows = [dict(row) for row in await fetch_rows(database_url, _ROWS, hash_token(key))]
    spent = await fetch_rows(database_url, _SPEND, hash_token(key))
    return Books(round(spent[0]["spend"] * 1e9), rows)


async def wait_for_books(database_url: str, key: str, at_least: int) -> Books:
    """Return the books once they have so many rows and their sum is the key's spend."""
    async with asyncio.timeout(60):
        while True:
            books = await read_books(database_url, key)
            if len(books.rows) >= at_least and books.row_nanos == books.spent_nanos:
                await assert_balance(database_url)
                return books
            await asyncio.sleep(0.05)


async def assert_balance(database_url: str) -> None:
    """What `gatewright books check` compares is equal, to the nano-dollar, for everything that spends."""
    database = Database(parse_database_url(database_url))
    await database.open()
    try:
        report = await compare_books(database)
    finally:
        await database.close()
    assert report.differences == ()


def check_books(books: Books, load: Load) -> None:
    """Every answer was charged its price, once; what was cut off was charged an estimate, or never began."""
    assert len(set(books.call_ids)) == len(books.call_ids)
    assert load.answered <= set(books.call_ids) <= load.asked
    by_id = {row["call_id"]: row for row in books.rows}
    for call_id in load.answered:
        row = by_id[call_id]
        assert (row["status"], round(row["spend"] * 1e9)) == ("success", PRICE)
    for call_id in set(books.call_ids) - load.answered:
        row = by_id[call_id]
        is_whole = row["status"] == "success" and round(row["spend"] * 1e9) == PRICE
        assert is_whole or (row["status"] == "failure" and row["spend"] > 0), json.dumps(row, default=str)
