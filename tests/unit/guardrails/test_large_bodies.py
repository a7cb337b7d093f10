"""Large bodies are read, inspected and edited in threads; small ones are not worth one."""

import threading

import msgspec
import pytest

from gateway.guardrails import content as contents
from gateway.guardrails.choice import Installed
from gateway.guardrails.hookimpls import GuardrailHooks
from gateway.sdk import Content, Edit, Guardrail, GuardrailCall, Verdict
from gateway.settings.guardrails import GuardrailEntry, GuardrailMode
from gateway.testing import FakeClock, make_context

MODES = frozenset({GuardrailMode.PRE_CALL, GuardrailMode.POST_CALL})


class First(Guardrail):
    """Masks the first letter."""

    def __init__(self) -> None:
        self.threads: list[int] = []

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        self.threads.append(threading.get_ident())
        place = next(place for place, piece in enumerate(content.pieces) if piece.text.startswith("a"))
        return Verdict(edits=(Edit(place, 0, 1, "#"),))


@pytest.mark.parametrize(("length", "is_aside"), [(10, False), (70_000, True)], ids=["small", "large"])
async def test_who_reads_a_body(
    monkeypatch: pytest.MonkeyPatch,
    length: int,
    is_aside: bool,  # noqa: FBT001  pytest passes it by name
) -> None:
    guardrail = First()
    seen, walk, edited = guardrail.threads, contents.find_pieces, contents.edited_texts

    def find(value: object, name: str) -> object:
        seen.append(threading.get_ident())
        return walk(value, name)

    def edit(*given: object) -> object:
        seen.append(threading.get_ident())
        return edited(*given)  # type: ignore[arg-type]  as they were given

    monkeypatch.setattr(contents, "find_pieces", find)
    monkeypatch.setattr(contents, "edited_texts", edit)
    entry = GuardrailEntry(name="g", kind="g", modes=MODES, is_default=True)
    message = {"role": "user", "content": "a" * length}
    context = make_context({"model": "m", "messages": [message]})
    (guard,) = GuardrailHooks([Installed(entry, guardrail)], FakeClock()).open_guards(context) or ()

    await guard.check_request()
    answer = await guard.check_answer(msgspec.json.encode({"choices": [{"index": 0, "message": message}]}))

    assert context.body.read("messages") == [{"role": "user", "content": "#" + "a" * (length - 1)}]
    assert b'"#' in answer
    assert len(seen) >= 6
    assert {thread != threading.get_ident() for thread in seen} == {is_aside}
