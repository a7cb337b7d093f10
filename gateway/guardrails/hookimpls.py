"""How guardrails enter the request path."""

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec

from gateway.clock import Clock
from gateway.domain import Endpoint
from gateway.errors import GuardrailBlocked
from gateway.guardrails.aside import do_aside
from gateway.guardrails.calls import describe_call
from gateway.guardrails.choice import Choice, Chosen, ChosenPipeline, Installed, Selection
from gateway.guardrails.content import AnswerText, EditError, RequestText
from gateway.guardrails.messages import GuardedMessages
from gateway.guardrails.policies.book import EMPTY_BOOK, PolicyBook
from gateway.guardrails.policies.pipeline import answer_instead, run_pipeline
from gateway.guardrails.questions import Questions
from gateway.guardrails.recording import RecordWatch
from gateway.guardrails.report import Report
from gateway.guardrails.responses import GuardedResponses
from gateway.guardrails.runner import Runner, Text
from gateway.guardrails.stream import GuardedStream
from gateway.hooks import CallGuard, RequestContext, StreamGuard, hookimpl
from gateway.sdk import Content, Edit
from gateway.settings.guardrails import GuardrailMode

__all__ = ["GuardrailHooks"]

_ANSWERING = frozenset({Endpoint.CHAT, Endpoint.COMPLETIONS, Endpoint.RESPONSES})
"""The endpoints whose answers have a text, which the gateway can say itself."""


class GuardrailHooks:
    """Watches over calls with the guardrails that are set up."""

    def __init__(
        self,
        installed: Sequence[Installed],
        clock: Clock,
        book: PolicyBook = EMPTY_BOOK,
        questions: Questions | None = None,
    ) -> None:
        self._choice = Choice(installed, book)
        self._clock = clock
        self._questions = questions or Questions()

    @hookimpl
    def open_guards(self, context: RequestContext) -> list[CallGuard] | None:
        """Watch over a call that has guardrails. Raises as `Choice.find`."""
        selection = self._choice.find(context)
        return None if selection is None else [_Watch(selection, context, self._clock, self._questions)]


class _Modes(msgspec.Struct, frozen=True):
    """When guardrails look at a request, beside the call, and at its answer."""

    request: GuardrailMode
    beside: GuardrailMode
    answer: GuardrailMode


_OF_MODELS = _Modes(GuardrailMode.PRE_CALL, GuardrailMode.DURING_CALL, GuardrailMode.POST_CALL)
_OF_TOOLS = _Modes(GuardrailMode.PRE_MCP_CALL, GuardrailMode.DURING_MCP_CALL, GuardrailMode.POST_MCP_CALL)


class _Watch:
    """The guardrails of one call."""

    def __init__(
        self, selection: Selection, context: RequestContext, clock: Clock, questions: Questions
    ) -> None:
        self._chosen = selection.chosen
        self._pipelines = selection.pipelines
        self._context = context
        self._modes = _OF_TOOLS if context.endpoint is Endpoint.MCP else _OF_MODELS
        steps = [chosen for pipeline in selection.pipelines for _, chosen in pipeline.steps]
        names = (item.installed.entry.name for item in (*selection.chosen, *steps))
        self._report = Report(names, selection.origins)
        ask = partial(questions.put, context)
        self._runner = Runner(clock, describe_call(context), self._report, ask)
        self._request: RequestText | None = None
        recording = self._of(GuardrailMode.LOGGING_ONLY)
        self._record: RecordWatch | None = None
        if recording:
            later = Report((), selection.origins)
            self._record = RecordWatch(recording, Runner(clock, describe_call(context), later, ask), later)

    @property
    def names(self) -> Sequence[str]:
        """The names of the guardrails."""
        return self._report.names

    @property
    def goes_beside(self) -> bool:
        """Whether there are any that come beside the call."""
        return bool(self._of(self._modes.beside) or self._pipelines_of(self._modes.beside))

    async def check_request(self) -> None:
        """Run those that come before the call."""
        await self._check_request(self._modes.request, is_sent=False)

    async def check_beside(self) -> None:
        """Run those that come beside the call; what is sent already cannot be edited."""
        await self._check_request(self._modes.beside, is_sent=True)

    async def check_answer(self, body: bytes) -> bytes:
        """Run those that come after the call on a whole answer."""
        return await self._check_answer(self._of(self._modes.answer), body)

    async def _check_answer(self, chosen: Sequence[Chosen], body: bytes) -> bytes:
        pipelines = self._pipelines_of(self._modes.answer)
        if not chosen and not pipelines:
            return body
        text = await do_aside(len(body), partial(AnswerText, body))
        await self._runner.run(chosen, self._modes.answer, text)
        for pipeline in pipelines:
            message = await run_pipeline(pipeline, self._runner, text)
            if message is not None:
                answer_instead(text, message)
        return text.body

    def open_stream(self) -> StreamGuard | None:
        """Run those that come after the call on a stream."""
        mode = self._modes.answer
        chosen, pipelines = self._of(mode), self._pipelines_of(mode)
        if self._context.listens:
            # What comes may be the rest of an answer to a call that broke off.
            chosen = [item for item in self._chosen if mode in item.modes]
            check = partial(self._check_answer, chosen)
            return GuardedMessages(check) if chosen or pipelines else None
        if self._context.endpoint is Endpoint.RESPONSES and (chosen or pipelines):
            return GuardedResponses(partial(self._check_answer, chosen))
        return GuardedStream(self._runner, chosen, pipelines, mode) if chosen or pipelines else None

    def open_record(self) -> RecordWatch | None:
        """Run those that look at what is recorded, later."""
        return self._record

    def report(self) -> msgspec.Raw | None:
        """What each was shown, and what it said."""
        return self._report.encode()

    async def _check_request(self, mode: GuardrailMode, *, is_sent: bool) -> None:
        chosen, pipelines = self._of(mode), self._pipelines_of(mode)
        if chosen or pipelines:
            text = await self._read_request()
            await self._runner.run(chosen, mode, _SentText(text) if is_sent else text)
            for pipeline in pipelines:
                await self._follow(pipeline, text)

    async def _read_request(self) -> RequestText:
        """The request as it is now; what was read for another mode serves again while nobody changes it."""
        body = self._context.body
        if self._request is None or not self._request.is_of(body):
            size = sum(len(memoryview(raw)) for raw in body.members.values())
            self._request = await do_aside(size, partial(RequestText, body, self._context.tool))
        return self._request

    async def _follow(self, pipeline: ChosenPipeline, text: Text) -> None:
        """Run a pipeline on the request. What it wants to be answered needs no model."""
        message = await run_pipeline(pipeline, self._runner, text)
        if message is None:
            return
        if self._context.endpoint not in _ANSWERING:
            raise GuardrailBlocked(message)
        self._context.own_answer = message

    def _of(self, mode: GuardrailMode) -> list[Chosen]:
        if self._context.endpoint is Endpoint.MCP and not self._context.tool:
            # Whoever asks what tools there are calls none.
            return []
        return [item for item in self._chosen if mode in item.modes]

    def _pipelines_of(self, mode: GuardrailMode) -> list[ChosenPipeline]:
        return [item for item in self._pipelines if item.mode is mode]


class _SentText:
    """A request that is on its way."""

    def __init__(self, text: RequestText) -> None:
        self._text = text

    def content(self) -> Content:
        return self._text.content()

    def edit(self, edits: Iterable[Edit]) -> None:  # noqa: ARG002  whatever they are
        raise EditError("the request is upstream already; use the mode pre_call to edit requests")

    def drop(self, tools: Iterable[int], notice: str) -> bool:
        del tools, notice
        return False
