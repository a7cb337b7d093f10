"""The tools that a stream calls: their names and arguments, put together from its events."""

from collections.abc import Iterator, Mapping

from gateway.guardrails.channels import Channel
from gateway.guardrails.tool_uses import show_path
from gateway.guardrails.walk import Found, Path
from gateway.sdk import PieceKind, ToolUse

__all__ = ["find_streamed", "grows"]

_CALLS = frozenset({"function", "function_call", "custom"})
_PARTS = {"name": "name", "arguments": "arguments", "input": "arguments"}
_BLOCKS = frozenset({"content_block", "item"})
"""Members whose names come whole, and whose arguments come in events of another shape."""


def grows(found: Found) -> bool:
    """Whether a string goes on where the one before it in its place ended; other names come whole.

    The names of called functions are put together by clients, whatever piece of them an event has.
    """
    path = found.path
    is_name_of_call = len(path) > 1 and path[-1] == "name" and path[-2] in _CALLS and not found.piece.is_fixed
    return found.piece.kind is not PieceKind.NAME or is_name_of_call


def find_streamed(channels: Mapping[Path, Channel]) -> Iterator[ToolUse]:
    """The calls on all channels of a stream; one whose arguments cannot be told from others' has None."""
    calls: dict[Path, dict[str, str]] = {}
    ids = dict(_find_ids(channels))
    for key, channel in channels.items():
        part = _PARTS.get(str(key[-1]))
        if part is not None and len(key) > 1 and key[-2] in _CALLS:
            calls.setdefault(key[:-1], {})[part] = channel.slice(channel.begins, channel.ends)
        elif channel.is_whole and channel.piece.path.rpartition(".")[2] == "name" and _BLOCKS & set(key):
            yield ToolUse(name=channel.text, path=channel.piece.path)
    for parent, said in calls.items():
        place = parent[:-1] if parent[-1] in {"function", "custom"} else parent
        yield ToolUse(
            name=said.get("name", ""),
            path=show_path(place),
            arguments=said.get("arguments", ""),
            call_id=ids.get(place, ""),
        )


def _find_ids(channels: Mapping[Path, Channel]) -> Iterator[tuple[Path, str]]:
    """What is called `id`, by the place that has it: names come whole, and their keys end in them."""
    for key, channel in channels.items():
        if channel.is_whole and not channel.piece.is_fixed and key[-3] == "id":
            yield key[:-3], channel.slice(channel.begins, channel.ends)
