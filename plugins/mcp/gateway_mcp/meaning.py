"""Which tools a text is about: ranking by meaning, with vectors that a model of the gateway makes."""

import asyncio
import math
from array import array
from collections import OrderedDict
from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeAlias

from gateway.clock import Clock
from gateway.errors import BudgetExceeded, GatewayError, RateLimited
from gateway.hooks import Models, RequestContext
from gateway.sdk import plugin_log
from gateway_mcp.search_terms import Meaning

__all__ = ["Meanings"]

_LOG = plugin_log("mcp")
_ASKER = "mcp_tool_search"
_CAPACITY, _BATCH = 4096, 128
_LONGEST = 2000
_SECONDS, _PAUSE_SECONDS = 10.0, 30
_NANOS = 1_000_000_000
_AT_ONCE = 32
"""So many distances are measured before others have their turn: a millisecond of them."""
_Vector: TypeAlias = "array[float]"
_Key = tuple[str, bytes]


class Meanings:
    """Vectors of texts by model, of unit length; each text is embedded once while it is among the last used.

    A model that fails is left alone for a while.
    """

    def __init__(self, models: Models, clock: Clock) -> None:
        self._models = models
        self._clock = clock
        self._vectors: OrderedDict[_Key, _Vector] = OrderedDict()
        self._turns: dict[str, asyncio.Lock] = {}
        self._paused: dict[str, int] = {}

    @property
    def size(self) -> int:
        """How many vectors are kept."""
        return len(self._vectors)

    async def rank(
        self, query: str, texts: Sequence[str], meaning: Meaning, context: RequestContext
    ) -> list[int] | None:
        """The places of the texts that are near enough to the query, the nearest first.

        None where nobody can say: the model fails, or there are more texts than vectors are kept.
        """
        model = meaning.model
        if len(texts) >= _CAPACITY or self._clock.monotonic_nanos() < self._paused.get(model, 0):
            return None
        try:
            async with asyncio.timeout(_SECONDS):
                wanted, *found = await self._embed(model, [query, *texts], context)
        except (GatewayError, TimeoutError) as error:
            self._pause(model, error)
            return None
        if not wanted:
            return []
        if any(vector and len(vector) != len(wanted) for vector in found):
            # Another model has got this name.
            self._forget(model)
            return None
        return await _compare(wanted, found, meaning.threshold)

    def _forget(self, model: str) -> None:
        for key in [key for key in self._vectors if key[0] == model]:
            del self._vectors[key]

    def _pause(self, model: str, error: Exception) -> None:
        if isinstance(error, BudgetExceeded | RateLimited):
            # The caller's own.
            return
        reason = error.message if isinstance(error, GatewayError) else "it took too long"
        _LOG.warning("mcp_tools_found_by_words", model=model, reason=reason)
        self._paused[model] = self._clock.monotonic_nanos() + _PAUSE_SECONDS * _NANOS

    async def _embed(self, model: str, texts: Sequence[str], context: RequestContext) -> list[_Vector]:
        """The vectors of texts; who needs the same ones waits for them. Raises GatewayError."""
        cut = [text[:_LONGEST] for text in texts]
        keys = [(model, blake2b(text.encode(), digest_size=16).digest()) for text in cut]
        async with self._turns.setdefault(model, asyncio.Lock()):
            missing = {key: text for key, text in zip(keys, cut, strict=True) if key not in self._vectors}
            for key in keys:
                if key in self._vectors:
                    self._vectors.move_to_end(key)
            for start in range(0, len(missing), _BATCH):
                part = dict(list(missing.items())[start : start + _BATCH])
                vectors = await self._models.embed(context, _ASKER, model, list(part.values()))
                self._vectors |= {key: _scale(vector) for key, vector in zip(part, vectors, strict=True)}
            # Those of these texts are the last ones, and fewer than are kept.
            while len(self._vectors) > _CAPACITY:
                self._vectors.popitem(last=False)
            return [self._vectors[key] for key in keys]


async def _compare(wanted: _Vector, found: Sequence[_Vector], threshold: float) -> list[int]:
    """The places of those that are near enough: cosines, by the distances of vectors of length one."""
    near: list[tuple[float, int]] = []
    point = tuple(wanted)
    for place, vector in enumerate(found):
        cosine = 1 - math.dist(point, vector) ** 2 / 2 if vector else -2.0
        if cosine >= threshold:
            near.append((-cosine, place))
        if place % _AT_ONCE == _AT_ONCE - 1:
            await asyncio.sleep(0)
    return [place for _, place in sorted(near)]


def _scale(vector: Sequence[float]) -> _Vector:
    """The vector with the length one; empty for one that has no length, which is near to nothing."""
    length = math.hypot(*vector)
    return array("f", [value / length for value in vector] if length else ())
