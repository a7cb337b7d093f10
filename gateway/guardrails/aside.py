"""Work that is done in a thread where there is much of it, so that others are served meanwhile."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from gateway.sdk import Content

__all__ = ["count_characters", "do_aside", "is_much"]

_Done = TypeVar("_Done")
_MOST = 64 * 1024
"""So many characters or bytes are looked through at once."""


def is_much(size: int) -> bool:
    """Whether so many characters or bytes are work for a thread."""
    return size > _MOST


def count_characters(content: Content) -> int:
    """The size of what guardrails are shown."""
    return sum(len(piece.text) for piece in content.pieces)


async def do_aside(size: int, act: Callable[[], _Done]) -> _Done:
    """Do something that takes as long as `size` is large."""
    return await asyncio.to_thread(act) if is_much(size) else act()
