"""Guardrails of the mode `logging_only`: they mask what is recorded, and nobody waits for them."""

from collections.abc import Sequence
from functools import partial

import msgspec
import structlog

from gateway.errors import GatewayError
from gateway.guardrails.aside import do_aside
from gateway.guardrails.choice import Chosen
from gateway.guardrails.content import AnswerText
from gateway.guardrails.report import Report, build_outcome
from gateway.guardrails.runner import Runner
from gateway.hooks import Recorded
from gateway.sdk import Content, Direction
from gateway.settings.guardrails import GuardrailMode

__all__ = ["RecordWatch"]

_MODE = GuardrailMode.LOGGING_ONLY


class RecordWatch:
    """Has the record of one call inspected; what is refused, or cannot be inspected, is not recorded."""

    def __init__(self, chosen: Sequence[Chosen], runner: Runner, report: Report) -> None:
        self._chosen = chosen
        self._report = report
        self._runner = runner

    async def check(self, recorded: Recorded) -> Recorded | None:
        """Return the record as the guardrails leave it; None where they let it be recorded not at all."""
        try:
            request = await self._inspect(RequestRecord, recorded.request)
            return Recorded(request, await self._inspect(AnswerText, recorded.answer))
        except GatewayError:
            # What was said is in the report, and the client has its answer.
            return None
        except Exception as error:  # noqa: BLE001  a defect here must neither show content nor stop the queue
            structlog.get_logger(__name__).error("record_inspection_failed", exc_info=error)
            self.pass_over(f"it could not be asked: {type(error).__name__}")
            return None

    def pass_over(self, reason: str) -> None:
        """Note that the guardrails were not asked."""
        now = self._runner.clock.now_nanos()
        for item in self._chosen:
            entry, nothing = item.installed.entry, Content(Direction.REQUEST, ())
            self._report.add(build_outcome(entry.name, entry.kind, _MODE, nothing, (now, now), None, reason))

    def report(self) -> msgspec.Raw | None:
        """What each was shown, and what it said."""
        return self._report.encode()

    async def _inspect(self, kind: type[AnswerText], data: bytes | None) -> bytes | None:
        if data is None:
            return None
        text = await do_aside(len(data), partial(kind, data))
        await self._runner.run(self._chosen, _MODE, text)
        return text.body


class RequestRecord(AnswerText):
    """The strings of a recorded request: all of them, those too that stay in the gateway."""

    def content(self) -> Content:
        """What guardrails are shown."""
        return Content(Direction.REQUEST, super().content().pieces)
