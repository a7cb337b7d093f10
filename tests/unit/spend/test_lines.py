import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import Charge, Completion, Endpoint, McpCall, Meter, Scope, ScopeKind, Usage
from gateway.spend.builder import NO_DETAILS, CallDetails, RecordBuilder
from gateway.spend.lines import RecordLines
from gateway.spend.records import ChargedRecord, encode_line
from gateway.testing import make_context, make_head, make_principal

_METADATA = ChargedRecord.__struct_fields__.index("metadata") + 1
KEY = Scope(ScopeKind.KEY, "k" * 64)
PRINCIPAL = make_principal(token_hash=KEY.id, key_alias='100% "sure"', scopes=(KEY,), team_id="t%d")
AGENT = CallDetails(
    tags=("User-Agent: x%b",), extra_scopes=(Scope(ScopeKind.TAG, "User-Agent: x%b"),), is_shared=True
)


def context(model: str = "gpt", agent: str = "curl/8 100%"):
    found = make_context(
        {"model": model, "messages": []},
        principal=PRINCIPAL,
        head=make_head("/v1/chat/completions", **{"user-agent": agent}),
    )
    found.estimated_cost_nanos, found.estimated_tokens = 12, 34
    return found


def completion(**changes: object) -> Completion:
    members: dict[str, object] = {
        "charge_id": "charge-1",
        "request_id": "chatcmpl-1",
        "status": "success",
        "usage": Usage(prompt_tokens=3, completion_tokens=4),
        "charge": Charge(total=7, input=3, output=4),
        "deployment_id": "d1",
        "provider": "openai",
        "upstream_model": "gpt-4o-mini",
        "started_nanos": 1_700_000_000_000_000_000,
        "ended_nanos": 1_700_000_000_250_000_000,
        "upstream_nanos": 200_000_000,
        "model_group": "gpt",
        **changes,
    }
    return Completion(**members)  # type: ignore[arg-type]


@pytest.mark.parametrize("details", [NO_DETAILS, AGENT])
@pytest.mark.parametrize("first_byte_nanos", [None, 1_700_000_000_100_000_000])
def test_a_filled_template_equals_the_record_built_anew(
    details: CallDetails, first_byte_nanos: int | None
) -> None:
    builder = RecordBuilder()
    lines = RecordLines(builder)
    for number in range(3):
        ended = completion(charge_id=f"c{number}", request_id=f"r{number}", first_byte_nanos=first_byte_nanos)
        request = context()
        assert lines.charged(request, ended, details)[0] == encode_line(
            builder.build_charged(request, ended, details)
        )
        assert lines.opened(request, details) == encode_line(builder.build_opened(request, details))


@given(model=st.text(st.characters(), max_size=300), request_id=st.text(st.characters(), max_size=40))
def test_any_text_comes_out_as_the_record_built_anew(model: str, request_id: str) -> None:
    builder = RecordBuilder()
    lines = RecordLines(builder)
    ended = completion(request_id=request_id or "x", model_group=model or "m")
    request = context()
    assert lines.charged(request, ended, NO_DETAILS)[0] == encode_line(
        builder.build_charged(request, ended, NO_DETAILS)
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "failure", "error_message": "no"},
        {"usage": Usage(prompt_tokens=9, cached_tokens=4)},
        {"usage": Usage(prompt_tokens=9, is_estimated=True)},
        {"charge": Charge(is_priced=False)},
        {"is_client_gone": True},
    ],
)
def test_what_is_out_of_the_ordinary_is_built_anew(changes: dict[str, object]) -> None:
    builder = RecordBuilder()
    lines = RecordLines(builder)
    lines.charged(context(), completion(), NO_DETAILS)
    line = lines.charged(context(), completion(**changes), NO_DETAILS)[0]
    assert line == encode_line(builder.build_charged(context(), completion(**changes), NO_DETAILS))
    assert "gatewright" in msgspec.json.decode(msgspec.json.decode(line)[_METADATA])


@pytest.mark.parametrize("charge", [Charge(), Charge(total=5, per_request=5)])
@pytest.mark.parametrize("tool", ["add", "a" * 300, "two\nlines"])
def test_calls_of_tools_come_out_as_the_record_built_anew(tool: str, charge: Charge) -> None:
    builder = RecordBuilder()
    lines = RecordLines(builder)
    ended = completion(deployment_id=None, provider=None, upstream_model=None, charge=charge, usage=Usage())
    for name, server in ((tool, "one"), (tool, "two"), ("other", "one"), (tool, "one")):
        request = context()
        request.endpoint, request.tool = Endpoint.MCP, f"{server}/{name[:200]}"
        request.tool_call = McpCall(name=name, server=server)
        line = lines.charged(request, ended, NO_DETAILS)[0]
        assert line == encode_line(builder.build_charged(request, ended, NO_DETAILS))
        metadata = msgspec.json.decode(msgspec.json.decode(line)[_METADATA])
        said = metadata["mcp_tool_call_metadata"]
        assert (said["mcp_server_name"], said["name"][:3]) == (server, name[:3].replace("\n", " "))
        assert "cost_breakdown" not in metadata


def test_callers_do_not_share_templates() -> None:
    lines = RecordLines(RecordBuilder())
    request, other = context(), context()
    other.principal = make_principal(token_hash="o" * 64, scopes=(Scope(ScopeKind.KEY, "o" * 64),))
    assert KEY.id.encode() in lines.charged(request, completion(), NO_DETAILS)[0]
    assert KEY.id.encode() not in lines.charged(other, completion(), NO_DETAILS)[0]
    assert KEY.id.encode() not in lines.opened(other, NO_DETAILS)


@pytest.mark.parametrize(
    "changes",
    [
        {"usage": Usage(prompt_tokens=2**31 - 1, completion_tokens=1)},
        {"ended_nanos": 1_600_000_000_000_000_000},
        {"ended_nanos": 9_000_000_000_000_000_000},
        {"model_group": "g" * 300},
        {"model_group": "two\nlines"},
        {"request_id": "r" * 2_000},
    ],
)
def test_values_at_the_edges_come_out_as_the_record_built_anew(changes: dict[str, object]) -> None:
    builder = RecordBuilder()
    lines = RecordLines(builder)
    expected = encode_line(builder.build_charged(context(), completion(**changes), NO_DETAILS))
    for _ in range(2):
        assert lines.charged(context(), completion(**changes), NO_DETAILS)[0] == expected


def test_requests_of_one_caller_come_with_one_object_of_scopes() -> None:
    lines = RecordLines(RecordBuilder())
    meter, tag = Meter(ScopeKind.KEY, KEY.id, "gpt"), Scope(ScopeKind.TAG, "t")
    details = CallDetails(tags=("t",), extra_scopes=(tag,), is_shared=True)
    first, second = context(), context()
    first.charged = second.charged = (meter,)
    _, scopes = lines.charged(first, completion(), details)
    assert scopes == (*first.principal.scopes, tag, meter)
    assert lines.charged(second, completion(), details)[1] is scopes


def test_lines_of_one_caller_name_the_meters_of_each_request() -> None:
    builder = RecordBuilder()
    lines = RecordLines(builder)
    for charged in (
        (),
        (Meter(ScopeKind.KEY, KEY.id, "gpt"),),
        (Meter(ScopeKind.KEY, KEY.id, "gpt", "1d", 5),),
    ):
        request = context()
        request.charged = charged
        assert lines.opened(request, NO_DETAILS) == encode_line(builder.build_opened(request))
        assert lines.charged(request, completion(), NO_DETAILS)[0] == encode_line(
            builder.build_charged(request, completion())
        )
