"""Journal lines of requests that went as most do: their end is kept and not built anew."""

from collections.abc import Hashable

import msgspec

from gateway.domain import Completion, Principal, Scope
from gateway.hooks.context import RequestContext
from gateway.spend.builder import CallDetails, RecordBuilder, is_plain
from gateway.spend.records import (
    CHARGED_TAG,
    OPENED_TAG,
    ChargedRecord,
    OpenedRecord,
    clean_text,
    encode_line,
)

__all__ = ["RecordLines"]

_encode = msgspec.json.Encoder().encode
_MOST_ENDS = 8_192
_MOST_NAMES = 4_096
_NAME_LIMIT = 256
_ID_LIMIT = 1_000
_INT_MAX = 2**31 - 1
_LONGEST_NANOS = _INT_MAX * 1_000_000


class _End(msgspec.Struct, frozen=True):
    """The end of a line, and the objects by whose identity it is found, which it keeps alive."""

    principal: Principal
    details: CallDetails
    charged: tuple[Scope, ...]
    line: bytes
    scopes: tuple[Scope, ...]


class RecordLines:
    """Encoded records of requests; putting one together costs a third of building it anew.

    What differs from request to request stands at the beginning of a line and is encoded in one step. The end
    is made once per caller, endpoint, and deployment or tool. A request with anything out of the ordinary
    about it (a failure, cached tokens, an end user, ...) is built by the RecordBuilder.
    """

    def __init__(self, builder: RecordBuilder) -> None:
        self._builder = builder
        self._ends: dict[Hashable, _End] = {}
        self._names: dict[str, str] = {}

    def opened(self, context: RequestContext, details: CallDetails) -> bytes:
        """Return the line of an admitted request."""
        if not details.is_shared:
            return encode_line(self._builder.build_opened(context, details))
        key = (id(context.principal), id(details), id(context.charged), context.endpoint)
        end = self._ends.get(key)
        if end is None:
            record = self._builder.build_opened(context, details)
            end = self._keep(key, context, details, record, _opened_values(context, context.routed_model))
        group = context.routed_model
        values = _opened_values(context, self._names.get(group) or self._clean(group))
        try:
            return _encode(values)[:-1] + end.line
        except UnicodeEncodeError:
            return encode_line(self._builder.build_opened(context, details))

    def progressed(
        self, context: RequestContext, details: CallDetails, spent_nanos: int, spent_tokens: int
    ) -> bytes:
        """Return the line that replaces that of an admitted request, with what it has come to so far."""
        opened = self._builder.build_opened(context, details)
        tokens = min(spent_tokens, _INT_MAX)
        return encode_line(msgspec.structs.replace(opened, spent_nanos=spent_nanos, spent_tokens=tokens))

    def charged(
        self, context: RequestContext, completion: Completion, details: CallDetails
    ) -> tuple[bytes, tuple[Scope, ...]]:
        """Return the line of how a request ended, and everything whose spend grows."""
        if not (details.is_shared and is_plain(context, completion)):
            return self._build_charged(context, completion, details)
        values = self._charged_values(context, completion)
        if values is None:
            return self._build_charged(context, completion, details)
        call = context.tool_call
        if call is None:
            place = completion.deployment_id, completion.upstream_model
        elif len(call.name) > _NAME_LIMIT:
            # A client may make up names of any length.
            return self._build_charged(context, completion, details)
        else:
            place = call, context.tool, context.routed_model
        key = (id(context.principal), id(details), id(context.charged), context.endpoint, place)
        end = self._ends.get(key)
        if end is None:
            record = self._builder.build_charged(context, completion, details)
            end = self._keep(key, context, details, record, values)
        try:
            return _encode(values)[:-1] + end.line, end.scopes
        except UnicodeEncodeError:
            return self._build_charged(context, completion, details)

    def _build_charged(
        self, context: RequestContext, completion: Completion, details: CallDetails
    ) -> tuple[bytes, tuple[Scope, ...]]:
        return encode_line(self._builder.build_charged(context, completion, details)), _scopes(
            context, details
        )

    def _charged_values(self, context: RequestContext, completion: Completion) -> tuple[object, ...] | None:
        """The first members of a ChargedRecord; None where one is not as they always are."""
        usage, charge, provider_nanos = completion.usage, completion.charge, completion.upstream_nanos
        prompt, output = usage.prompt_tokens, usage.completion_tokens
        started, ended, first = completion.started_nanos, completion.ended_nanos, completion.first_byte_nanos
        duration = ended - started
        if prompt + output > _INT_MAX or not 0 <= duration < _LONGEST_NANOS:
            return None
        names, request_id, head = self._names, completion.request_id, context.head
        group, agent = completion.model_group or context.routed_model, head.headers.get("user-agent")
        if len(request_id) > _ID_LIMIT or not request_id.isprintable():
            request_id = clean_text(request_id, _ID_LIMIT)
        return (
            CHARGED_TAG,
            completion.charge_id,
            request_id,
            context.call_id,
            charge.total,
            started // 1_000_000,
            ended // 1_000_000,
            None if first is None else first // 1_000_000,
            duration // 1_000_000,
            names.get(group) or self._clean(group),
            prompt + output,
            prompt,
            output,
            context.client_address,
            charge.input,
            charge.output,
            (duration - provider_nanos) // 1_000 if provider_nanos else None,
            completion.attempted_retries,
            completion.attempted_fallbacks,
            None if agent is None else names.get(agent) or self._clean(agent),
        )

    def _clean(self, name: str) -> str:
        """Clean a name; few are used, and finding one costs less than looking through it again."""
        cleaned = clean_text(name, _NAME_LIMIT)
        if len(name) <= _NAME_LIMIT:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            self._names[name] = cleaned
        return cleaned

    def _keep(
        self,
        key: Hashable,
        context: RequestContext,
        details: CallDetails,
        record: OpenedRecord | ChargedRecord,
        values: tuple[object, ...],
    ) -> _End:
        """Encode a record without its first members, one for each of `values`, of which one is its tag."""
        if len(self._ends) >= _MOST_ENDS:
            self._ends.clear()
        rest = msgspec.structs.astuple(record)[len(values) - 1 :]
        line, scopes = b"," + _encode(rest)[1:] + b"\n", _scopes(context, details)
        end = self._ends[key] = _End(context.principal, details, context.charged, line, scopes)
        return end


def _scopes(context: RequestContext, details: CallDetails) -> tuple[Scope, ...]:
    return (*context.principal.scopes, *details.extra_scopes, *context.charged)


def _opened_values(context: RequestContext, group: str) -> tuple[object, ...]:
    """The first members of an OpenedRecord."""
    tokens, input_tokens = context.estimated_tokens, context.estimated_input_tokens
    if tokens > _INT_MAX:
        tokens, input_tokens = _INT_MAX, min(input_tokens, _INT_MAX)
    return (
        OPENED_TAG,
        context.charge_id,
        context.call_id,
        context.estimated_cost_nanos,
        context.started_nanos // 1_000_000,
        group,
        tokens,
        context.client_address,
        context.estimated_input_nanos,
        input_tokens,
    )
