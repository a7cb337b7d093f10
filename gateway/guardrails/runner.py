"""Asks guardrails, within their deadlines, and does what they say; one that cannot answer refuses."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from inspect import iscoroutinefunction as is_coroutine_function
from typing import Protocol, cast

import msgspec
import structlog

from gateway.clock import Clock
from gateway.errors import GuardrailBlocked, ServiceUnavailable
from gateway.guardrails.aside import count_characters, do_aside, is_much
from gateway.guardrails.choice import Chosen
from gateway.guardrails.content import EditError
from gateway.guardrails.report import Report, build_outcome
from gateway.sdk import PASSED, Content, Edit, GuardrailCall, Question, Verdict, refuse_question
from gateway.settings.guardrails import GuardrailMode

__all__ = ["AskFor", "Runner", "Text"]

AskFor = Callable[[str, Question], Awaitable[str]]
"""Asks a model for the guardrail of a name."""


class Text(Protocol):
    """Content that can be edited in place."""

    def content(self) -> Content:
        """What guardrails are shown."""
        ...

    def edit(self, edits: Iterable[Edit]) -> None:
        """Make edits. Raises EditError, and changes nothing then."""
        ...

    def drop(self, tools: Iterable[int], notice: str) -> bool:
        """Take tools out, by their places; says whether that could be done, and changes nothing where not."""
        ...


class Runner:
    """Runs the guardrails of one call; `call` says whose it is, and `ask` asks models on its account."""

    def __init__(self, clock: Clock, call: GuardrailCall, report: Report, ask: AskFor | None = None) -> None:
        self.clock = clock
        self._call = call
        self._ask_for = ask
        self._notes: dict[str, dict[str, object]] = {}
        self._report = report

    async def run(self, chosen: Iterable[Chosen], mode: GuardrailMode, text: Text) -> None:
        """Show a text to guardrails one after another, each as the one before it left it.

        Raises GuardrailBlocked, and ServiceUnavailable for a guardrail that failed and is not lenient.
        """
        for item in chosen:
            await self.ask(item, mode, text)

    async def ask(self, chosen: Chosen, mode: GuardrailMode, text: Text) -> Verdict:
        """Show a text to one guardrail; return what it said. Raises as `run`."""
        content = text.content()
        began = self.clock.now_nanos()
        verdict, error = await self._ask(chosen, content)
        if verdict is not None and verdict.refusal is None and verdict.edits:
            try:
                await do_aside(count_characters(content), partial(text.edit, verdict.edits))
            except EditError as impossible:
                verdict, error = None, f"it asked for an edit that cannot be made: {impossible}"
        if verdict is not None and verdict.refusal is None and verdict.without:
            verdict = _drop(text, verdict)
        self._note(chosen, mode, content, began, verdict, error)
        if verdict is None:
            self._fail(chosen, error or "")
            return PASSED
        if verdict.refusal is not None:
            raise _blocked(chosen, verdict)
        return verdict

    async def _ask(self, chosen: Chosen, content: Content) -> tuple[Verdict | None, str | None]:
        """What a guardrail says; without a verdict, how it failed."""
        entry = chosen.installed.entry
        try:
            found = self._inspect(chosen, content)
            # A timer could not stop a plain function, and costs as much as a quick one.
            if isinstance(found, Awaitable):
                async with asyncio.timeout(entry.deadline_seconds):
                    found = await _settle(cast("Awaitable[object]", found))  # of whatever a plugin returns
        except TimeoutError:
            return None, f"it did not answer within {entry.deadline_seconds:g} s"
        except GuardrailBlocked as refused:
            return Verdict(refusal=refused.message), None
        except Exception as error:  # noqa: BLE001  a plugin's code may raise anything, and then did not check
            structlog.get_logger(__name__).error("guardrail_failed", guardrail=entry.name, exc_info=error)
            return None, f"it raised {type(error).__name__}"
        if found is None:
            return PASSED, None
        if not isinstance(found, Verdict):
            return None, f"it answered {type(found).__name__}, which is no Verdict"
        return found, None

    def _inspect(self, chosen: Chosen, content: Content) -> object:
        name = chosen.installed.entry.name
        notes = self._notes.setdefault(name, {})
        call = msgspec.structs.replace(
            self._call,
            guardrail=name,
            options=chosen.options,
            notes=notes,
            deadline_seconds=chosen.installed.entry.deadline_seconds,
            ask=refuse_question if self._ask_for is None else partial(self._ask_for, name),
        )
        inspect = chosen.installed.guardrail.inspect
        if is_much(count_characters(content)) and not is_coroutine_function(inspect):
            return asyncio.to_thread(inspect, content, call)
        return inspect(content, call)

    def _note(
        self,
        chosen: Chosen,
        mode: GuardrailMode,
        content: Content,
        began: int,
        verdict: Verdict | None,
        error: str | None,
    ) -> None:
        entry = chosen.installed.entry
        nanos = began, self.clock.now_nanos()
        self._report.add(build_outcome(entry.name, entry.kind, mode, content, nanos, verdict, error))

    def _fail(self, chosen: Chosen, error: str) -> None:
        entry = chosen.installed.entry
        if entry.is_lenient:
            structlog.get_logger(__name__).warning(
                "guardrail_passed_over", guardrail=entry.name, error=error, call_id=self._call.call_id
            )
            return
        raise ServiceUnavailable(
            f"The guardrail '{entry.name}' could not check this call: {error}. Try again, or tell the "
            "operator of the gateway.",
            type="guardrail_failed",
            details={"guardrail": entry.name},
        )


async def _settle(found: Awaitable[object]) -> object:
    """What is awaited; a plain function in a thread may have returned something to await."""
    answer = await found
    return await cast("Awaitable[object]", answer) if isinstance(answer, Awaitable) else answer  # as above


def _drop(text: Text, verdict: Verdict) -> Verdict:
    """Take tools out; what cannot go on without them is refused."""
    if text.drop(verdict.without, verdict.notice):
        return verdict
    return msgspec.structs.replace(verdict, refusal=verdict.notice or "A tool is not allowed here.")


def _blocked(chosen: Chosen, verdict: Verdict) -> GuardrailBlocked:
    details: dict[str, object] = {"guardrail": chosen.installed.entry.name}
    if verdict.categories:
        details["categories"] = list(verdict.categories)
    return GuardrailBlocked(verdict.refusal or "", details=details)
