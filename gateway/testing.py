"""What makes a plugin's test a few lines: values with defaults, hooks and guardrails to call."""

import inspect
from collections.abc import Awaitable, Mapping
from typing import Any

import msgspec

from gateway.domain import Endpoint, Principal
from gateway.hooks import Hooks, RequestBody, RequestContext, RequestHead, build_plugin, compile_hooks
from gateway.ids import hash_token
from gateway.sdk import PASSED, Content, Direction, Guardrail, GuardrailCall, Piece, Verdict

__all__ = [
    "FakeClock",
    "edit_texts",
    "inspect_texts",
    "load_plugin",
    "make_context",
    "make_head",
    "make_principal",
]


class FakeClock:
    """A `gateway.clock.Clock` that stands still until it is told to move; all times are nanoseconds."""

    def __init__(self, now_nanos: int = 1_700_000_000_000_000_000) -> None:
        self._now = now_nanos
        self._monotonic = 0

    def now_nanos(self) -> int:
        """Nanoseconds since 1970-01-01 UTC."""
        return self._now

    def monotonic_nanos(self) -> int:
        """Nanoseconds that `advance` has added."""
        return self._monotonic

    def advance(self, seconds: float) -> None:
        """Let time pass on both clocks."""
        nanos = round(seconds * 1_000_000_000)
        self._now += nanos
        self._monotonic += nanos


def make_principal(**members: Any) -> Principal:
    """A caller with a key and nothing else; members of `gateway.domain.Principal` replace the defaults."""
    members.setdefault("token_hash", hash_token("sk-test"))
    return Principal(**members)


def make_head(path: str = "/v1/chat/completions", **headers: str) -> RequestHead:
    """A request before its body is read; `x_call_id="1"` makes the header `x-call-id`."""
    named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
    return RequestHead("POST", path, named, client_host="127.0.0.1")


def make_context(
    body: Mapping[str, object] | bytes | None = None,
    *,
    endpoint: Endpoint = Endpoint.CHAT,
    principal: Principal | None = None,
    head: RequestHead | None = None,
    clock: FakeClock | None = None,
) -> RequestContext:
    """A request as hooks see it, from a body as a mapping or as the bytes of a client.

    Without a body it is a chat request that says hello. `model` and `is_stream` are read from the body.
    """
    if body is None:
        body = {"model": "test-model", "messages": [{"role": "user", "content": "hello"}]}
    parsed = RequestBody.parse(body if isinstance(body, bytes) else msgspec.json.encode(body))
    turned = clock or FakeClock()
    return RequestContext(
        head=head or make_head(f"/v1/{endpoint}"),
        principal=principal or make_principal(),
        endpoint=endpoint,
        body=parsed,
        model=str(parsed.read("model") or "test-model"),
        is_stream=parsed.read("stream") is True,
        call_id="00000000-0000-4000-8000-000000000000",
        charge_id="00000000-0000-7000-8000-000000000000",
        started_nanos=turned.now_nanos(),
        started_monotonic=turned.monotonic_nanos(),
    )


def load_plugin(
    target: object, settings: Mapping[str, object] | None = None, *, name: str = "plugin"
) -> Hooks:
    """Build what an entry point names (a module or a class) with its settings, and compile its hooks.

    An object that is already built is taken as it is. Raises PluginError as the start of the gateway would.
    """
    is_built = not (inspect.isclass(target) or inspect.ismodule(target))
    plugin = target if is_built else build_plugin(name, target, settings or {})
    return compile_hooks([(name, plugin)])


async def inspect_texts(
    guardrail: Guardrail, /, *texts: str, direction: Direction = Direction.REQUEST, **call: Any
) -> Verdict:
    """Show texts to a guardrail; members of `gateway.sdk.GuardrailCall` say whose they are."""
    call.setdefault("guardrail", "under-test")
    pieces = tuple(Piece(text, f"messages[{place}].content", role="user") for place, text in enumerate(texts))
    said = guardrail.inspect(Content(direction, pieces), GuardrailCall(**call))
    return (await said if isinstance(said, Awaitable) else said) or PASSED


def edit_texts(verdict: Verdict, *texts: str) -> list[str]:
    """The texts as a verdict leaves them."""
    edited = list(texts)
    for edit in sorted(verdict.edits, key=lambda edit: edit.start, reverse=True):
        text = edited[edit.piece]
        edited[edit.piece] = text[: edit.start] + edit.text + text[edit.end :]
    return edited
