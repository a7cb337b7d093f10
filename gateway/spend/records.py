"""What stands in a journal: one line per admitted request that was opened, and one per charge.

A line is a JSON array. Its nested JSON stands in it as text, so that the same bytes are also one line of
CSV with `"` as quote and backslash as escape: PostgreSQL's COPY reads it into typed columns as it is.
"""

import msgspec

__all__ = [
    "CHARGED_PREFIX",
    "CHARGED_TAG",
    "OPENED_PREFIX",
    "OPENED_TAG",
    "SEGMENT_PREFIX",
    "ChargedRecord",
    "ClosedMark",
    "OpenedRecord",
    "SegmentHead",
    "clean_json",
    "clean_text",
    "encode_line",
]

# The digit is the version of the format: a change of the members needs another one.
OPENED_TAG, CHARGED_TAG = "o1", "c1"
OPENED_PREFIX = b'["o1"'
CHARGED_PREFIX = b'["c1"'
SEGMENT_PREFIX = b'["s1"'

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_CONTROLS = dict.fromkeys([*range(32), 127], " ")


class SegmentHead(msgspec.Struct, frozen=True, array_like=True, tag="s1"):
    """The first line of a segment: how many `opened` lines were carried over from the one before it."""

    carried: int


class ClosedMark(msgspec.Struct, frozen=True, array_like=True):
    """What recovery reads of an `opened` or `charged` line."""

    kind: str
    charge_id: str


class OpenedRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False, array_like=True, tag=OPENED_TAG):
    """An admitted request: what is needed to charge it as an estimate if nobody lives to settle it.

    `cost_nanos` (nano-dollars) and `total_tokens` are the estimate that was held; `spent_nanos` and
    `spent_tokens` are what it has come to so far: its prompt, and what was streamed. A later record of the
    same charge id replaces an earlier one. `started_ms` is milliseconds since 1970. The other members are
    those of `ChargedRecord`.
    """

    charge_id: str
    call_id: str
    cost_nanos: int
    started_ms: int
    model_group: str = ""
    total_tokens: int = 0
    requester_ip_address: str | None = None
    spent_nanos: int = 0
    spent_tokens: int = 0
    # From here on the same for every ordinary request of one caller.
    call_type: str
    endpoint: str
    api_key: str
    user: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    end_user: str | None = None
    agent_id: str | None = None
    session_id: str | None = None
    scopes: str = "[]"
    request_tags: str = "[]"
    metadata: str = "{}"


class ChargedRecord(msgspec.Struct, frozen=True, kw_only=True, gc=False, array_like=True, tag=CHARGED_TAG):
    """The end of an admitted request: its row of LiteLLM_SpendLogs, and the objects whose spend grows.

    Members are named as the columns, and the drain's COPY names them in this order. `cost_nanos` is
    nano-dollars, `*_ms` are milliseconds since 1970, `request_duration_ms` is a duration. `scopes` is a JSON
    array of `[kind, id]`, for members `[kind, user, team or organization]`, for what a budget counts by
    itself `["meter", kind, id, model, period, end]`; it, `request_tags`, `metadata`
    and the three bodies are JSON text. `endpoint` is the route as the daily tables name it. What differs from
    request to request stands first, so that the rest of a line can be kept as it is.

    `metadata` has what no column says; of an `is_plain` record it is the caller's part only. The drain's SQL
    puts the rest together: building that JSON is work for the database, not for the request. `overhead_us` is
    microseconds. `end` is there because the closing bracket of the line ends up in the last column.
    """

    charge_id: str
    request_id: str
    litellm_call_id: str
    cost_nanos: int
    started_ms: int
    ended_ms: int
    first_ms: int | None = None
    request_duration_ms: int = 0
    model_group: str = ""
    total_tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    requester_ip_address: str | None = None
    input_nanos: int = 0
    output_nanos: int = 0
    overhead_us: int | None = None
    attempted_retries: int = 0
    attempted_fallbacks: int = 0
    user_agent: str | None = None
    # From here on the same for every ordinary request of one caller to one deployment.
    call_type: str
    endpoint: str
    api_key: str
    status: str = "success"
    model: str = ""
    model_id: str = ""
    custom_llm_provider: str = ""
    api_base: str = ""
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    user: str = ""
    team_id: str | None = None
    organization_id: str | None = None
    end_user: str | None = None
    agent_id: str | None = None
    session_id: str | None = None
    mcp_namespaced_tool_name: str | None = None
    scopes: str = "[]"
    request_tags: str = "[]"
    metadata: str = "{}"
    messages: str | None = None
    response: str | None = None
    proxy_server_request: str | None = None
    is_plain: bool = False
    end: int = 0


def encode_line(record: OpenedRecord | ChargedRecord) -> bytes:
    """The line of a record with its newline."""
    try:
        return _encode(record) + b"\n"
    except UnicodeEncodeError:
        # Lone surrogates: names that came from a file system or an address, not from JSON.
        changes = {
            name: member.encode("utf-8", "replace").decode()
            for name in record.__struct_fields__
            if isinstance(member := getattr(record, name), str)
        }
        return _encode(msgspec.structs.replace(record, **changes)) + b"\n"


def clean_text(text: str, limit: int) -> str:
    """At most `limit` characters of a name that somebody chose, without control characters.

    PostgreSQL cannot store NUL, and CSV knows no JSON escapes; a name needs neither. Lone surrogates, which
    have no UTF-8, become question marks.
    """
    if len(text) <= limit and text.isprintable():
        return text
    return text[:limit].translate(_CONTROLS).encode("utf-8", "replace").decode()


def clean_json(value: bytes) -> str:
    r"""JSON as text without `\u0000`, which PostgreSQL cannot store."""
    text = value.decode("utf-8", "replace")
    # Finding one byte is twenty times faster than finding six, and most JSON here has no escape at all.
    if "\\" in text and "\\u0000" in text:
        return _encode(_without_nul(_decode(text))).decode()
    return text


def _without_nul(value: object) -> object:
    if isinstance(value, str):
        return value.replace("\0", "")
    if isinstance(value, list):
        items: list[object] = value  # pyright: ignore[reportUnknownVariableType]  decoded JSON
        return [_without_nul(item) for item in items]
    if isinstance(value, dict):
        members: dict[str, object] = value  # pyright: ignore[reportUnknownVariableType]  decoded JSON
        return {name.replace("\0", ""): _without_nul(member) for name, member in members.items()}
    return value
