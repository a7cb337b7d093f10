"""The normal form of what goes to a model and comes back, and how edits of it get into the body."""

import json
from collections.abc import Iterable, Sequence
from typing import cast

import msgspec

from gateway.errors import GuardrailBlocked, UpstreamGarbled
from gateway.guardrails.tool_uses import FoundTool, drop_called, drop_offered, find_called, find_offered
from gateway.guardrails.walk import Found, drop_probabilities, edit_at, find_pieces
from gateway.hooks import RequestBody
from gateway.sdk import Content, Direction, Edit, Piece
from gateway.upstream.gateway_members import GATEWAY_MEMBERS, GATEWAY_PREFIXES

__all__ = ["AnswerText", "EditError", "RequestText", "apply_edits", "edited_texts"]

_TOKEN_MEMBERS = ("prompt", "input")
_OF_TOOLS = ("tools", "functions", "tool_choice", "function_call", "parallel_tool_calls")
_MCP_BODY = "body"
_decode = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class EditError(Exception):
    """A guardrail asked for an edit that cannot be made; the text says why."""


class RequestText:
    """The strings of a request, in the members that leave the gateway; `called` is the tool of MCP in it.

    Raises GuardrailBlocked for token arrays, which no guardrail can read, and MalformedBody.
    """

    def __init__(self, body: RequestBody, called: str = "") -> None:
        self._body = body
        self._called = called
        self._look()

    def _look(self) -> None:
        body = self._body
        # This may go on in a thread, while the body is sent.
        self._read = dict(body.members)
        self._found: list[Found] = []
        self._shown: dict[str, object] = {}
        for name, raw in self._read.items():
            if name != "model" and name not in GATEWAY_MEMBERS and not name.startswith(GATEWAY_PREFIXES):
                value = body.read(name)
                _refuse_twins(name, raw)
                if name in _TOKEN_MEMBERS:
                    _refuse_tokens(name, value)
                self._found += find_pieces(value, name)
                self._shown[name] = value
        self._tools = self._find_tools()

    def is_of(self, body: RequestBody) -> bool:
        """Whether it says what the body says now."""
        return self._body is body and self._read == body.members

    def content(self) -> Content:
        """What guardrails are shown."""
        pieces = tuple(item.piece for item in self._found)
        tools = tuple(item.use for item in self._tools)
        return Content(Direction.REQUEST, pieces, tools, self._shown)

    def drop(self, tools: Iterable[int], notice: str) -> bool:
        """Take tools out of what the request offers; a call by MCP is nothing without its tool."""
        del notice
        members = {name: self._body.read(name) for name in _OF_TOOLS if name in self._body.members}
        paths = [self._tools[place].path for place in tools if 0 <= place < len(self._tools)]
        if any(path[0] == _MCP_BODY for path in paths):
            return False
        for name, value in drop_offered(members, paths).items():
            if value is None:
                self._body.remove(name)
            else:
                self._body.write(name, value)
        self._look()
        return True

    def edit(self, edits: Iterable[Edit]) -> None:
        """Write edits into the body. Raises EditError, and changes nothing then."""
        changed = edited_texts(self.content().pieces, edits)
        fresh = {
            name: _decode(self._body.members[name])
            for name in {str(self._found[place].path[0]) for place in changed}
        }
        for place, text in changed.items():
            found = self._found[place]
            edit_at(fresh, found.path, text)
            self._found[place] = _with_text(found, text)
        for name, value in fresh.items():
            self._body.write(name, value)
        self._shown = self._shown | fresh
        self._read = dict(self._body.members)
        self._tools = self._find_tools()

    def _find_tools(self) -> list[FoundTool]:
        names = (_MCP_BODY, *_OF_TOOLS)
        members = {name: self._body.read(name) for name in names if name in self._read}
        return list(find_offered(members, self._called))


class AnswerText:
    """The strings of a whole answer. Raises UpstreamGarbled for one that cannot be read."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        try:
            value: object = _decode(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise UpstreamGarbled("The guardrails cannot read what was answered.") from None
        if not isinstance(value, dict):
            raise UpstreamGarbled("The guardrails cannot read what was answered.")
        self._members = cast("dict[str, object]", value)  # JSON objects have text keys
        self._look()
        self._is_changed = False

    def _look(self) -> None:
        # A response repeats its request; what is new in it comes first.
        names = sorted(self._members, key=_is_not_output)
        self._found = [found for name in names for found in find_pieces(self._members[name], name)]

    @property
    def body(self) -> bytes:
        """The answer as the client gets it: the provider's own bytes as long as nothing was edited."""
        return _encode(self._members) if self._is_changed else self._body

    def content(self) -> Content:
        """What guardrails are shown."""
        tools = tuple(item.use for item in find_called(self._members))
        return Content(Direction.RESPONSE, tuple(item.piece for item in self._found), tools)

    def drop(self, tools: Iterable[int], notice: str) -> bool:
        """Take calls out of the answer, and say so in their place."""
        found = list(find_called(self._members))
        paths = [found[place].path for place in tools if 0 <= place < len(found)]
        if not drop_called(self._members, paths, notice):
            return False
        self._look()
        self._is_changed = True
        return True

    def edit(self, edits: Iterable[Edit]) -> None:
        """Edit the answer; where that concerns a choice, its log probabilities go. Raises EditError."""
        for place, text in edited_texts(self.content().pieces, edits).items():
            found = self._found[place]
            edit_at(self._members, found.path, text)
            self._found[place] = _with_text(found, text)
            self._is_changed = True
            drop_probabilities(self._members, found.path)


def apply_edits(text: str, edits: Sequence[Edit]) -> str:
    """The text with its edits made. Raises EditError for edits that overlap or lie outside."""
    parts: list[str] = []
    at = 0
    for edit in sorted(edits, key=_start):
        if not at <= edit.start <= edit.end <= len(text):
            raise EditError(
                f"an edit of characters {edit.start} to {edit.end} overlaps another or lies outside"
            )
        parts += (text[at : edit.start], edit.text)
        at = edit.end
    return "".join((*parts, text[at:]))


def _start(edit: Edit) -> int:
    return edit.start


def edited_texts(pieces: Sequence[Piece], edits: Iterable[Edit]) -> dict[int, str]:
    """The new texts of those pieces that are edited, by place. Raises EditError."""
    grouped: dict[int, list[Edit]] = {}
    for edit in edits:
        if not 0 <= edit.piece < len(pieces):
            raise EditError(f"there is no piece {edit.piece}")
        if pieces[edit.piece].is_fixed:
            raise EditError(f"{pieces[edit.piece].path} cannot be edited")
        grouped.setdefault(edit.piece, []).append(edit)
    return {place: apply_edits(pieces[place].text, group) for place, group in grouped.items()}


def _with_text(found: Found, text: str) -> Found:
    return msgspec.structs.replace(found, piece=msgspec.structs.replace(found.piece, text=text))


def _is_not_output(name: str) -> bool:
    return name != "output"


class _TwinError(Exception):
    """An object has two members of one name."""


def _refuse_twins(name: str, raw: msgspec.Raw) -> None:
    """Two members of one name: the upstream may take the one that nobody was shown."""
    try:
        # The quick decoder takes the last of them, and tells nobody.
        json.loads(bytes(raw), object_pairs_hook=_check_names)
    except _TwinError as error:
        raise GuardrailBlocked(
            f"'{name}' holds an object with two members '{str(error)[:100]}', and the guardrails of this "
            "request cannot know which one counts; send one.",
            param=name,
        ) from None
    except (ValueError, RecursionError):
        # Whatever the strict decoder has read is whole.
        return


def _check_names(pairs: list[tuple[str, object]]) -> None:
    seen: set[str] = set()
    for name, _ in pairs:
        if name in seen:
            raise _TwinError(name)
        seen.add(name)


def _refuse_tokens(name: str, value: object) -> None:
    """A list of token numbers, or of such lists."""
    items = cast("list[object]", value) if isinstance(value, list) else []  # of JSON values
    first = items[0] if items else None
    if isinstance(first, list):
        inner = cast("list[object]", first)  # of JSON values
        first = inner[0] if inner else None
    if isinstance(first, int):
        raise GuardrailBlocked(
            f"'{name}' holds token numbers, which the guardrails of this request cannot read; send texts.",
            param=name,
        )
