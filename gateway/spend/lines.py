"""Journal lines of requests that went as most do, filled into templates instead of built anew."""

import secrets
from collections.abc import Hashable, Iterable

import msgspec

from gateway.domain import Completion, Principal
from gateway.hooks.context import RequestContext
from gateway.spend.builder import CallDetails, RecordBuilder, is_plain
from gateway.spend.records import ChargedRecord, OpenedRecord, clean_text, encode_line

__all__ = ["RecordLines"]

_encode = msgspec.json.Encoder().encode
_MOST_TEMPLATES = 8_192
_NAME_LIMIT = 256
_ID_LIMIT = 1_000
_INT_MAX = 2**31 - 1
_LONGEST_NANOS = _INT_MAX * 1_000_000
_NULL = b"null"
_MOST_NAMES = 4_096

# The members of a line that differ from request to request, in the order of the line.
_OPENED = (
    "charge_id",
    "call_id",
    "cost_nanos",
    "started_ms",
    "model_group",
    "total_tokens",
    "requester_ip_address",
)
_CHARGED = (
    *("charge_id", "request_id", "litellm_call_id", "cost_nanos", "started_ms", "ended_ms", "first_ms"),
    *("request_duration_ms", "model_group", "total_tokens", "prompt_tokens", "completion_tokens"),
    *("requester_ip_address", "input_nanos", "output_nanos", "overhead_us", "attempted_retries"),
    *("attempted_fallbacks", "user_agent"),
)
_TEXTS = frozenset(
    {
        "charge_id",
        "call_id",
        "request_id",
        "litellm_call_id",
        "model_group",
        "requester_ip_address",
        "user_agent",
    }
)


class _Template(msgspec.Struct, frozen=True):
    """A line with places for values; it keeps alive the objects by whose identity it is found.

    `pieces` are what never changes and an empty piece per value, in turns: joining them takes half as long as
    filling a format.
    """

    principal: Principal
    details: CallDetails
    pieces: list[bytes]


class RecordLines:
    """Encoded records of requests; building one from a template costs a third of building it anew.

    A template is made once per caller, deployment and client program. A request with anything out of the
    ordinary about it (a failure, cached tokens, an end user, ...) is built by the RecordBuilder.
    """

    def __init__(self, builder: RecordBuilder) -> None:
        self._builder = builder
        self._templates: dict[Hashable, _Template] = {}
        self._names: dict[str, bytes] = {}

    def opened(self, context: RequestContext, details: CallDetails) -> bytes:
        """Return the line of an admitted request."""
        if not details.is_shared:
            return encode_line(self._builder.build_opened(context, details))
        key = (id(context.principal), id(details), context.endpoint)
        template = self._templates.get(key)
        if template is None:
            record = self._builder.build_opened(context, details)
            template = self._keep(key, context, details, record, _OPENED)
        charge_id, group = _encode(context.charge_id), context.routed_model
        if len(group) > _NAME_LIMIT or not group.isprintable():
            group = clean_text(group, _NAME_LIMIT)
        try:
            values = (
                charge_id,
                # Few callers choose a call id of their own.
                charge_id if context.call_id is context.charge_id else _encode(context.call_id),
                _encode(context.estimated_cost_nanos),
                _encode(context.started_nanos // 1_000_000),
                _encode(group),
                _encode(min(context.estimated_tokens, _INT_MAX)),
                _encode(context.head.client_host),
            )
        except UnicodeEncodeError:
            return encode_line(self._builder.build_opened(context, details))
        pieces = template.pieces.copy()
        pieces[1::2] = values
        return b"".join(pieces)

    def charged(self, context: RequestContext, completion: Completion, details: CallDetails) -> bytes:
        """Return the line of how a request ended."""
        if not (details.is_shared and is_plain(context, completion)):
            return encode_line(self._builder.build_charged(context, completion, details))
        values = self._charged_values(context, completion)
        if values is None:
            return encode_line(self._builder.build_charged(context, completion, details))
        key = (
            id(context.principal),
            id(details),
            context.endpoint,
            completion.deployment_id,
            completion.upstream_model,
        )
        template = self._templates.get(key)
        if template is None:
            record = self._builder.build_charged(context, completion, details)
            template = self._keep(key, context, details, record, _CHARGED)
        pieces = template.pieces.copy()
        pieces[1::2] = values
        return b"".join(pieces)

    def _charged_values(self, context: RequestContext, completion: Completion) -> tuple[bytes, ...] | None:
        """The values of a line in the order of `_CHARGED`; None where one is not as they always are."""
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
        try:
            return (
                _encode(completion.charge_id),
                _encode(request_id),
                _encode(context.call_id),
                _encode(charge.total),
                _encode(started // 1_000_000),
                _encode(ended // 1_000_000),
                _NULL if first is None else _encode(first // 1_000_000),
                _encode(duration // 1_000_000),
                names.get(group) or self._keep_name(group),
                _encode(prompt + output),
                _encode(prompt),
                _encode(output),
                _encode(head.client_host),
                _encode(charge.input),
                _encode(charge.output),
                _encode((duration - provider_nanos) // 1_000) if provider_nanos else _NULL,
                _encode(completion.attempted_retries),
                _encode(completion.attempted_fallbacks),
                _NULL if agent is None else names.get(agent) or self._keep_name(agent),
            )
        except UnicodeEncodeError:
            return None

    def _keep_name(self, name: str) -> bytes:
        """Clean and encode a name; few are used, and finding one takes half as long as encoding it again."""
        encoded = _encode(clean_text(name, _NAME_LIMIT))
        if len(name) <= _NAME_LIMIT:
            if len(self._names) >= _MOST_NAMES:
                self._names.clear()
            self._names[name] = encoded
        return encoded

    def _keep(
        self,
        key: Hashable,
        context: RequestContext,
        details: CallDetails,
        record: OpenedRecord | ChargedRecord,
        names: Iterable[str],
    ) -> _Template:
        if len(self._templates) >= _MOST_TEMPLATES:
            self._templates.clear()
        template = _Template(context.principal, details, _make_pieces(record, names))
        self._templates[key] = template
        return template


def _make_pieces(record: OpenedRecord | ChargedRecord, names: Iterable[str]) -> list[bytes]:
    """Encode a record with marks in the places of `names`, and cut the marks out.

    The marks are random, so that nothing a person chose can be taken for one.
    """
    marks: dict[str, str | int] = {
        name: secrets.token_hex(16) if name in _TEXTS else secrets.randbits(60) for name in names
    }
    rest = encode_line(msgspec.structs.replace(record, **marks))
    pieces: list[bytes] = []
    for mark in marks.values():
        before, _, rest = rest.partition(_encode(mark))
        pieces += (before, b"")
    return [*pieces, rest]
