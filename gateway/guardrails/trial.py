"""A guardrail tried out on a text, without a call."""

from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

import msgspec

from gateway.clock import Clock
from gateway.errors import NotFound
from gateway.guardrails.calls import describe_call
from gateway.guardrails.choice import Chosen, Installed
from gateway.guardrails.content import edited_texts
from gateway.guardrails.questions import Questions
from gateway.guardrails.report import Report
from gateway.guardrails.runner import AskFor, Runner
from gateway.hooks import RequestContext
from gateway.sdk import Content, Direction, Edit, GuardrailCall, Piece
from gateway.settings.guardrails import GuardrailMode

__all__ = ["TrialRequest", "TrialRun", "TrialText", "begin_trial", "try_guardrail"]


class TrialRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /guardrails/apply_guardrail`.

    `language`, `entities` and `metadata` go to the guardrail as options; `messages` are of no use here.
    """

    guardrail_name: str
    text: str
    input_type: Direction = Direction.REQUEST
    language: str | None = None
    entities: list[str] | None = None
    messages: list[dict[str, Any]] | None = None
    metadata: dict[str, Any] | None = None


class TrialText:
    """A text by itself."""

    def __init__(self, direction: Direction, text: str) -> None:
        self._direction = direction
        self.text = text

    def content(self) -> Content:
        """See Text.content."""
        return Content(self._direction, (Piece(self.text, "text", role="user"),))

    def edit(self, edits: Iterable[Edit]) -> None:
        """See Text.edit."""
        self.text = edited_texts(self.content().pieces, edits).get(0, self.text)

    def drop(self, tools: Iterable[int], notice: str) -> bool:
        """See Text.drop."""
        del tools, notice
        return False


class TrialRun(msgspec.Struct, frozen=True):
    """On whose account guardrails are tried out: without `ask` they cannot ask models."""

    clock: Clock
    call: GuardrailCall
    ask: AskFor | None = None

    def runner(self, model: str = "") -> Runner:
        """What runs guardrails once, as on a call of a model."""
        return Runner(self.clock, msgspec.structs.replace(self.call, model=model), Report(()), self.ask)


def begin_trial(context: RequestContext, clock: Clock, questions: Questions) -> TrialRun:
    """Have the caller of a context try guardrails out, who pays for what they ask of models."""
    return TrialRun(clock, describe_call(context), partial(questions.put, context))


async def try_guardrail(installed: Sequence[Installed], wanted: TrialRequest, run: TrialRun) -> str:
    """The text as a guardrail leaves it.

    Raises NotFound, GuardrailBlocked, and ServiceUnavailable for a guardrail that fails.
    """
    found = next((item for item in installed if item.entry.name == wanted.guardrail_name), None)
    if found is None:
        raise NotFound(f"There is no guardrail '{wanted.guardrail_name[:100]}'.", param="guardrail_name")
    said = {"language": wanted.language, "entities": wanted.entities, "metadata": wanted.metadata}
    options = {name: value for name, value in said.items() if value is not None}
    mode = GuardrailMode.PRE_CALL if wanted.input_type is Direction.REQUEST else GuardrailMode.POST_CALL
    text = TrialText(wanted.input_type, wanted.text)
    await run.runner().ask(Chosen(found, frozenset({mode}), options), mode, text)
    return text.text
