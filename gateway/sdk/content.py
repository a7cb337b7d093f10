"""The texts of a request: read and rewritten in place, with everything around them left as it is."""

from collections.abc import Callable, Mapping
from typing import cast

import msgspec

from gateway.errors import MalformedBody
from gateway.hooks import RequestContext

__all__ = ["TEXT_MEMBERS", "read_member", "rewrite_texts"]

TEXT_MEMBERS = ("messages", "prediction", "prompt", "suffix", "instructions", "input")
"""The members of chat, completion and embedding bodies whose strings a model reads.

All are looked at for every endpoint: an upstream may act on a member that the endpoint does not document.
"""

_NOT_TEXT = frozenset(
    {"audio", "file", "id", "image_url", "input_audio", "name", "role", "tool_call_id", "type", "video_url"}
)
"""Members of a message that are media, names or references; their content is not text."""

_Rewrite = Callable[[str, str], str]


def read_member(context: RequestContext, name: str) -> object:
    """Return a decoded member of the body, None where there is none; do not change it in place.

    Raises MalformedBody when it is not valid JSON.
    """
    try:
        return context.body.read(name)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise MalformedBody(f"The member '{name}' is not valid JSON: {error}.", param=name) from error


def rewrite_texts(context: RequestContext, rewrite: _Rewrite) -> list[str]:
    """Call `rewrite(text, path)` for every text that the model would read; write back what it changed.

    `path` is like `messages[0].content[1].text`. Message contents, text parts, tool results and the
    arguments of tool calls count as texts; media, token arrays, names and roles do not. Returns the names
    of the members that changed. Raises what `rewrite` raises, and MalformedBody.
    """
    changed: list[str] = []
    for name in TEXT_MEMBERS:
        value = read_member(context, name)
        rewritten = _rewrite(value, name, rewrite)
        if rewritten is not value:
            context.body.write(name, rewritten)
            changed.append(name)
    return changed


def _rewrite(value: object, path: str, rewrite: _Rewrite) -> object:
    """The value with its texts rewritten: the very same object where nothing changed."""
    if isinstance(value, str):
        text = rewrite(value, path)
        return value if text == value else text
    if isinstance(value, list):
        return _rewrite_list(cast("list[object]", value), path, rewrite)  # decoded JSON
    if isinstance(value, dict):
        return _rewrite_object(cast("dict[str, object]", value), path, rewrite)  # decoded JSON
    return value


def _rewrite_list(items: list[object], path: str, rewrite: _Rewrite) -> list[object]:
    if all(type(item) is int for item in items):
        return items  # An array of token numbers, which may be long.
    rewritten = [_rewrite(item, f"{path}[{index}]", rewrite) for index, item in enumerate(items)]
    is_same = all(new is old for new, old in zip(rewritten, items, strict=True))
    return items if is_same else rewritten


def _rewrite_object(members: Mapping[str, object], path: str, rewrite: _Rewrite) -> Mapping[str, object]:
    rewritten = {
        name: value if name in _NOT_TEXT else _rewrite(value, f"{path}.{name}", rewrite)
        for name, value in members.items()
    }
    is_same = all(rewritten[name] is value for name, value in members.items())
    return members if is_same else rewritten
