"""What stands in a journal: one JSON line per admitted request that was opened, and one per charge."""

import msgspec

__all__ = [
    "CHARGED_PREFIX",
    "OPENED_PREFIX",
    "SEGMENT_PREFIX",
    "ChargedRecord",
    "ClosedMark",
    "OpenedRecord",
    "SegmentHead",
    "encode_line",
    "encode_struct",
]

OPENED_PREFIX = b'{"k":"o"'
CHARGED_PREFIX = b'{"k":"c"'
SEGMENT_PREFIX = b'{"k":"s"'

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode
_ESCAPED_NUL = b"\\u0000"


class SegmentHead(msgspec.Struct, frozen=True, tag_field="k", tag="s"):
    """The first line of a segment: how many `opened` lines were carried over from the one before it."""

    carried: int


class ClosedMark(msgspec.Struct, frozen=True):
    """The one member that recovery reads of an `opened` or `charged` line."""

    charge_id: str


class OpenedRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="k", tag="o"
):
    """An admitted request: what is needed to charge it as an estimate if nobody lives to settle it.

    `cost_nanos` (nano-dollars) and `total_tokens` are the estimate that was held. `started_ms` is
    milliseconds since 1970. The other members are those of `ChargedRecord`.
    """

    charge_id: str
    call_id: str
    call_type: str
    endpoint: str
    api_key: str
    cost_nanos: int
    started_ms: int
    model_group: str = ""
    total_tokens: int = 0
    user: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    end_user: str | None = None
    agent_id: str | None = None
    session_id: str | None = None
    requester_ip_address: str | None = None
    scopes: msgspec.Raw | None = None
    request_tags: msgspec.Raw | None = None
    metadata: msgspec.Raw | None = None


class ChargedRecord(
    msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, gc=False, tag_field="k", tag="c"
):
    """The end of an admitted request: its row of LiteLLM_SpendLogs, and the objects whose spend grows.

    Members are named as the columns; a member at its default is left out of the line and gets the column's
    default. `cost_nanos` is nano-dollars, `*_ms` are milliseconds since 1970, `request_duration_ms` is a
    duration. `scopes` is a JSON array of `[kind, id]`, for members `[kind, user, team or organization]`.
    `endpoint` is the route as the daily tables name it.
    """

    charge_id: str
    request_id: str
    call_type: str
    endpoint: str
    api_key: str
    cost_nanos: int
    started_ms: int
    ended_ms: int
    request_duration_ms: int = 0
    first_ms: int | None = None
    status: str = "success"
    model: str = ""
    model_id: str = ""
    model_group: str = ""
    custom_llm_provider: str = ""
    api_base: str = ""
    total_tokens: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cache_read_input_tokens: int = 0
    cache_creation_input_tokens: int = 0
    user: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    end_user: str | None = None
    agent_id: str | None = None
    session_id: str | None = None
    requester_ip_address: str | None = None
    mcp_namespaced_tool_name: str | None = None
    scopes: msgspec.Raw | None = None
    request_tags: msgspec.Raw | None = None
    metadata: msgspec.Raw | None = None
    messages: msgspec.Raw | None = None
    response: msgspec.Raw | None = None
    proxy_server_request: msgspec.Raw | None = None


def encode_line(record: OpenedRecord | ChargedRecord) -> bytes:
    r"""The line of a record with its newline; without NUL, which PostgreSQL cannot store.

    A line without any backslash cannot hold an escaped NUL, and looking for one byte is twenty times
    faster than looking for `\u0000`.
    """
    line = encode_struct(record)
    if line.find(b"\\") >= 0 and _ESCAPED_NUL in line:
        line = _encode(_without_nul(_decode(line)))
    return line + b"\n"


def encode_struct(value: msgspec.Struct) -> bytes:
    """Encode a struct of which some text may hold lone surrogates, as addresses and file names can."""
    try:
        return _encode(value)
    except UnicodeEncodeError:
        changes = {
            name: member.encode("utf-8", "replace").decode()
            for name in value.__struct_fields__
            if isinstance(member := getattr(value, name), str)
        }
        return _encode(msgspec.structs.replace(value, **changes))


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
