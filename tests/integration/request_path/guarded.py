"""A guardrail that keeps what it is shown, and requests of every endpoint family to show it."""

import asyncio
import json
from collections.abc import Callable, Collection, Mapping
from typing import Any, ClassVar

import httpx
import msgspec

from gateway.domain import Endpoint
from gateway.guardrails.choice import Installed
from gateway.guardrails.hookimpls import GuardrailHooks
from gateway.guardrails.policies.book import EMPTY_BOOK, PolicyBook
from gateway.hooks import Hooks
from gateway.hooks.dispatch import compile_hooks
from gateway.sdk import Content, Edit, Guardrail, GuardrailCall, Verdict
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode
from tests.integration.serving import LiveGateway

WORD = "there"
"""What the probe looks for: the upstream's usual answer has it, and so have the requests of these tests."""
PRE, DURING, POST = GuardrailMode.PRE_CALL, GuardrailMode.DURING_CALL, GuardrailMode.POST_CALL


class Probe(Guardrail):
    """Keeps all that it is shown, and does as it is told where it finds the word."""

    window: ClassVar[int | None] = None

    def __init__(self, outcome: str = "pass") -> None:
        self.outcome = outcome
        self.shown: list[Content] = []

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        self.shown.append(content)
        if self.outcome == "hang":
            await asyncio.Event().wait()
        if self.outcome == "raise":
            raise RuntimeError("secret detail of the plugin")
        if self.outcome == "garbage":
            return "yes"  # type: ignore[return-value]  what a careless author may return
        found = [
            Edit(place, piece.text.index(WORD), piece.text.index(WORD) + len(WORD), "[MASKED]")
            for place, piece in content.texts()
            if WORD in piece.text
        ]
        if found and self.outcome == "block":
            return Verdict(refusal="Not that.", categories=("word",), score=0.9)
        if found and self.outcome == "mask":
            return Verdict(edits=tuple(found), categories=("word",), masked={"word": len(found)})
        if self.outcome == "impossible":
            return Verdict(edits=(Edit(0, 0, 10_000, ""),))
        return None

    @property
    def text(self) -> str:
        return "\n".join(piece.text for content in self.shown for piece in content.pieces)


class Later(Guardrail):
    """Decides once it is let go."""

    def __init__(self, *, refuses: bool = True) -> None:
        self.go = asyncio.Event()
        self.refuses = refuses

    async def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        del content, call
        await self.go.wait()
        return Verdict(refusal="Not that.") if self.refuses else None


def install(
    live: LiveGateway,
    guardrail: Guardrail,
    *modes: GuardrailMode,
    book: PolicyBook = EMPTY_BOOK,
    **members: Any,
) -> None:
    """Set up one guardrail, for everybody unless told otherwise; `book` has the policies that bring it."""
    hooks = _with(live, live.gateway.snapshot.hooks, guardrail, modes, book, members)
    plugins = msgspec.structs.replace(live.gateway.snapshot.plugins, hooks=hooks)
    live.gateway.snapshot = msgspec.structs.replace(live.gateway.snapshot, plugins=plugins)


def install_for_mcp(live: LiveGateway, guardrail: Guardrail, *modes: GuardrailMode, **members: Any) -> None:
    """Set up one guardrail for what passes through, as calls of MCP servers do."""
    hooks = _with(live, live.gateway.snapshot.pass_through_hooks, guardrail, modes, EMPTY_BOOK, members)
    live.gateway.snapshot = msgspec.structs.replace(live.gateway.snapshot, pass_through_hooks=hooks)


def _with(
    live: LiveGateway,
    hooks: Hooks,
    guardrail: Guardrail,
    modes: Collection[GuardrailMode],
    book: PolicyBook,
    members: Mapping[str, Any],
) -> Hooks:
    members = {"name": "probe", "kind": "probe", "is_default": True, "deadline_seconds": 0.2, **members}
    installed = Installed(GuardrailEntry(modes=frozenset(modes), **members), guardrail)
    found: dict[int, tuple[str, object]] = {}
    for items in hooks.implementations.values():
        for item in items:
            owner = getattr(item.call, "__self__", None)
            if owner is not None and not isinstance(owner, GuardrailHooks):
                found[id(owner)] = (item.plugin, owner)
    guarding = GuardrailHooks([installed], live.gateway.clock, book)
    return compile_hooks([*found.values(), ("guardrails", guarding)])


class Row(msgspec.Struct, frozen=True):
    """How the matrix asks one endpoint family, and whether it answers with a text, also as a stream."""

    ask: Callable[[str], dict[str, object]]
    has_text: bool = True


ROWS: Mapping[Endpoint, Row] = {
    Endpoint.CHAT: Row(lambda text: {"messages": [{"role": "user", "content": text}]}),
    Endpoint.COMPLETIONS: Row(lambda text: {"prompt": text}),
    Endpoint.RESPONSES: Row(lambda text: {"input": [{"role": "user", "content": text}]}),
    Endpoint.EMBEDDINGS: Row(lambda text: {"input": [text]}, has_text=False),
}


class Call(msgspec.Struct, frozen=True):
    """One way to ask."""

    endpoint: Endpoint = Endpoint.CHAT
    is_stream: bool = False

    def __str__(self) -> str:
        return f"{self.endpoint.name.lower()}-{'stream' if self.is_stream else 'whole'}"


ANSWERS = [Call(endpoint, way) for endpoint, row in ROWS.items() if row.has_text for way in (False, True)]
CALLS = [*ANSWERS, *(Call(endpoint) for endpoint, row in ROWS.items() if not row.has_text)]


async def ask(live: LiveGateway, key: str, call: Call | None = None, **members: object) -> httpx.Response:
    call = call or Call()
    content = ROWS[call.endpoint].ask(f"who is {WORD}?")
    if call.is_stream:
        content["stream"] = True
    return await live.post(f"/v1/{call.endpoint}", key, {"model": "m", **content, **members})


def refusal_of(answer: httpx.Response) -> dict[str, Any]:
    """The error of an answer, or of the last event of a stream."""
    if answer.headers["content-type"].startswith("text/event-stream"):
        events = [event for event in answer.text.split("\n\n") if event]
        return json.loads(events[-1].removeprefix("data: "))["error"]
    return answer.json()["error"]
