"""Vectors of tools: made once, kept within bounds, and done without where the model fails."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from gateway_mcp import meaning as module
from gateway_mcp.meaning import Meanings
from gateway_mcp.search_terms import Meaning

from gateway.errors import BudgetExceeded, GatewayError, ServiceUnavailable
from gateway.hooks import RequestContext
from gateway.testing import FakeClock, make_context

NEAR = Meaning("m", 0.5)
CONTEXT = make_context({})


class Model:
    """Puts texts on one of three axes by their first letters; keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.error: GatewayError | None = None
        self.size = 3

    async def embed(
        self, context: RequestContext, asker: str, model: str, texts: Sequence[str]
    ) -> list[list[float]]:
        self.asked.append(list(texts))
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        return [[float(text[0] == letter) * 2 for letter in "abcdef"[: self.size]] for text in texts]


def build(**members: Any) -> tuple[Model, Meanings, FakeClock]:
    model, clock = Model(), FakeClock()
    return model, Meanings(model, clock), clock


async def test_the_nearest_come_first_and_what_is_known_is_not_asked_again() -> None:
    model, meanings, _ = build()
    assert await meanings.rank("a?", ["b1", "a1", "c1", "a2"], NEAR, CONTEXT) == [1, 3]
    assert await meanings.rank("b?", ["b1", "a1", "a1"], NEAR, CONTEXT) == [0]
    assert await meanings.rank("b?", ["a1", "b1"], NEAR, CONTEXT) == [1]
    assert await meanings.rank("?", ["a1"], NEAR, CONTEXT) == []
    assert await meanings.rank("a?", ["?", "a1"], Meaning("m", -1), CONTEXT) == [1]
    assert model.asked == [["a?", "b1", "a1", "c1", "a2"], ["b?"], ["?"]]


async def test_who_needs_the_same_vectors_waits_for_them() -> None:
    model, meanings, _ = build()
    await asyncio.gather(*(meanings.rank("a?", ["a1"], NEAR, CONTEXT) for _ in range(5)))
    assert model.asked == [["a?", "a1"]]


@pytest.mark.parametrize(
    "error", [ServiceUnavailable("Gone."), BudgetExceeded("Spent.")], ids=["model", "caller"]
)
async def test_a_model_that_fails_is_left_alone_for_a_while(error: GatewayError) -> None:
    model, meanings, clock = build()
    model.error = error
    assert await meanings.rank("a?", ["a1"], NEAR, CONTEXT) is None
    model.error = None
    is_callers = isinstance(error, BudgetExceeded)
    assert await meanings.rank("a?", ["a1"], NEAR, CONTEXT) == ([0] if is_callers else None)
    clock.advance(31)
    assert await meanings.rank("a?", ["a1"], NEAR, CONTEXT) == [0]


async def test_vectors_of_another_length_are_not_compared() -> None:
    model, meanings, _ = build()
    await meanings.rank("a?", ["a1"], NEAR, CONTEXT)
    model.size = 4
    assert await meanings.rank("a!", ["a1"], NEAR, CONTEXT) is None
    assert await meanings.rank("a!", ["a1"], NEAR, CONTEXT) == [0]


async def test_so_many_are_kept_and_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    model, meanings, _ = build()
    monkeypatch.setattr(module, "_CAPACITY", 4)
    monkeypatch.setattr(module, "_BATCH", 2)
    assert await meanings.rank("a?", ["a1", "b1", "a2"], NEAR, CONTEXT) == [0, 2]
    assert [len(asked) for asked in model.asked] == [2, 2]
    assert await meanings.rank("b?", ["b1", "b2"], NEAR, CONTEXT) == [0, 1]
    assert (model.asked[-1], meanings.size) == (["b?", "b2"], 4)
    assert await meanings.rank("b?", ["b1", "b2", "b3", "b4"], NEAR, CONTEXT) is None
