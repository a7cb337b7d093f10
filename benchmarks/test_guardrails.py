"""Guardrails: what a call pays for having none, and what keywords, PII and secrets cost.

The aim is 400 us for the three of them on a prompt of 2 KB; a body of 300 KB is inspected in a thread.
"""

import asyncio
from collections.abc import Callable, Sequence

import msgspec
import pytest

from gateway.guardrails.build import build_guardrails
from gateway.guardrails.choice import Installed
from gateway.guardrails.hookimpls import GuardrailHooks
from gateway.hooks import CallGuard, RequestContext
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode
from gateway.testing import FakeClock, make_context

Compare = Callable[..., None]
CALLS = 100
EVENTS = 100
MODES = frozenset({GuardrailMode.PRE_CALL, GuardrailMode.POST_CALL})
PROSE = (
    "On Monday the committee met in the old town hall, and 43 people came, some of them from as far as York. "
    "Nobody had read the report of 2019-04-12; still, they agreed to send it to the office on Mill Lane 7. "
)
WORDS = [{"keyword": f"Project {name}"} for name in ("Aurora", "Borealis", "Cumulus", "Draco")]


def entry(kind: str, **params: object) -> GuardrailEntry:
    return GuardrailEntry(name=kind, kind=kind, modes=MODES, is_default=True, params=params)


ENTRIES = (entry("keywords", blocked_words=WORDS), entry("pii"), entry("secret_detection"))


@pytest.fixture(scope="module")
def installed() -> Sequence[Installed]:
    return build_guardrails(ENTRIES)


def hooks_of(installed: Sequence[Installed]) -> GuardrailHooks:
    return GuardrailHooks(installed, FakeClock())


def context_of(kilobytes: int) -> RequestContext:
    text = (PROSE * (kilobytes * 1000 // len(PROSE) + 1))[: kilobytes * 1000]
    return make_context({"model": "m", "messages": [{"role": "user", "content": text}]})


def open_guard(installed: Sequence[Installed], context: RequestContext) -> CallGuard:
    opened = hooks_of(installed).open_guards(context)
    assert opened
    return opened[0]


def test_a_call_without_guardrails(compare: Compare) -> None:
    hooks, context = hooks_of(()), context_of(2)

    def ask() -> None:
        for _ in range(CALLS):
            assert not hooks.open_guards(context)

    compare(ask, calls=CALLS)


@pytest.mark.parametrize("kilobytes", [2, 300])
def test_keywords_pii_and_secrets_on_a_prompt(
    compare: Compare, installed: Sequence[Installed], kilobytes: int
) -> None:
    guard = open_guard(installed, context_of(kilobytes))
    with asyncio.Runner() as runner:
        compare(lambda: runner.run(guard.check_request()))


@pytest.mark.parametrize("kilobytes", [2, 300])
def test_keywords_pii_and_secrets_on_an_answer(
    compare: Compare, installed: Sequence[Installed], kilobytes: int
) -> None:
    guard = open_guard(installed, context_of(1))
    text = (PROSE * (kilobytes * 1000 // len(PROSE) + 1))[: kilobytes * 1000]
    body = msgspec.json.encode({"choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]})
    with asyncio.Runner() as runner:
        compare(lambda: runner.run(guard.check_answer(body)))


def test_keywords_pii_and_secrets_on_an_event_of_a_stream(
    compare: Compare, installed: Sequence[Installed]
) -> None:
    guard = open_guard(installed, context_of(1))
    words = PROSE.split(" ")
    choices = [{"index": 0, "delta": {"content": f"{words[at % len(words)]} "}} for at in range(EVENTS)]
    events = [b"data: " + msgspec.json.encode({"choices": [choice]}) + b"\n\n" for choice in choices]

    async def relay() -> None:
        stream = guard.open_stream()
        assert stream is not None
        for event in events:
            await stream.feed(event)
        await stream.finish(b"data: [DONE]\n\n")

    with asyncio.Runner() as runner:
        compare(lambda: runner.run(relay()), calls=EVENTS)
