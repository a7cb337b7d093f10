"""Keeps content out of the record of a call until the guardrails of records have seen it."""

from collections.abc import Sequence

import msgspec

from gateway.domain import Completion
from gateway.hooks import Recorded, RecordGuard, RequestContext
from gateway.pipeline.guarding import join_reports
from gateway.pipeline.transcript import CONTENT
from gateway.spend.builder import CallDetails
from gateway.spend.inspections import Inspected, Inspection, Inspections

__all__ = ["hand_over"]

_decode = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode


def hand_over(
    inspections: Inspections,
    guards: Sequence[RecordGuard],
    context: RequestContext,
    completion: Completion,
    details: CallDetails,
    *,
    is_stored: bool,
) -> CallDetails:
    """Have request and answer in `details` inspected later; return the details without them.

    Unless `is_stored` they are only inspected. Where too many wait already they are neither, which the report
    of the guards says.
    """
    inspector = _Inspector(guards, details, CONTENT[context.endpoint], is_stored=is_stored)
    bodies = details.response, details.proxy_server_request
    inspection = Inspection(
        completion.charge_id,
        completion.request_id or context.call_id,
        completion.started_nanos // 1_000_000,
        sum(len(bytes(body)) for body in bodies if body is not None),
        inspector.inspect,
    )
    if not inspections.put(inspection):
        for guard in guards:
            guard.pass_over("too many records wait for their inspection")
    return msgspec.structs.replace(
        details, is_shared=False, messages=None, response=None, proxy_server_request=None
    )


class _Inspector:
    """Has the record of one call inspected."""

    def __init__(
        self, guards: Sequence[RecordGuard], details: CallDetails, content: str, *, is_stored: bool
    ) -> None:
        self._guards = guards
        self._recorded = Recorded(_bytes(details.proxy_server_request), _bytes(details.response))
        self._content = content
        self._is_stored = is_stored

    async def inspect(self) -> Inspected:
        recorded: Recorded | None = self._recorded
        for guard in self._guards:
            if recorded is None:
                guard.pass_over("a guardrail before it lets nothing be recorded")
            else:
                recorded = await guard.check(recorded)
        reports = [raw for guard in self._guards if (raw := guard.report()) is not None]
        runs = join_reports(reports)
        if recorded is None or not self._is_stored:
            return Inspected(runs)
        return Inspected(
            runs, self._messages(recorded.request), _raw(recorded.answer), _raw(recorded.request)
        )

    def _messages(self, request: bytes | None) -> msgspec.Raw | None:
        return None if request is None else _decode(request).get(self._content)


def _bytes(value: msgspec.Raw | None) -> bytes | None:
    return None if value is None else bytes(value)


def _raw(data: bytes | None) -> msgspec.Raw | None:
    return None if data is None else msgspec.Raw(data)
