"""From a request to its journal records."""

import msgspec

from gateway.domain import Charge, Completion, Endpoint, Meter, Principal, Scope, ScopeKind, Usage
from gateway.hooks import RequestBody, RequestContext, RequestHead
from gateway.spend.builder import CallDetails, RecordBuilder
from gateway.spend.records import CHARGED_PREFIX, OPENED_PREFIX, encode_line

PRINCIPAL = Principal(
    token_hash="hash",
    user_id="a:user",
    team_id="team",
    scopes=(Scope(ScopeKind.KEY, "hash"), Scope(ScopeKind.TEAM_MEMBER, "a:user:team")),
)


def build_context(principal: Principal = PRINCIPAL, agent: str = "curl") -> RequestContext:
    context = RequestContext(
        head=RequestHead("POST", "/v1/embeddings", {"user-agent": agent}, client_host="10.0.0.1"),
        principal=principal,
        endpoint=Endpoint.EMBEDDINGS,
        body=RequestBody.parse(b"{}"),
        model="alias",
        is_stream=False,
        call_id="call",
        charge_id="charge",
        started_nanos=1_750_000_000_000_000_000,
        started_monotonic=0,
    )
    context.routed_model = "group"
    context.estimated_cost_nanos = 42
    return context


def build_completion(**changes: object) -> Completion:
    completion = Completion(
        charge_id="charge",
        request_id="",
        status="failure",
        usage=Usage(prompt_tokens=2**40, reasoning_tokens=1),
        charge=Charge(total=9, is_priced=False),
        deployment_id=None,
        provider=None,
        upstream_model=None,
        started_nanos=1_750_000_000_000_000_000,
        ended_nanos=1_750_000_000_004_000_000,
        upstream_nanos=3_000_000,
        error_type="timeout_error",
        error_message="late",
    )
    return msgspec.structs.replace(completion, **changes)


def test_lines_say_their_kind_in_their_first_bytes() -> None:
    builder = RecordBuilder()
    opened = encode_line(builder.build_opened(build_context()))
    charged = encode_line(builder.build_charged(build_context(), build_completion()))
    assert opened.startswith(OPENED_PREFIX)
    assert charged.startswith(CHARGED_PREFIX)
    assert opened.count(b"\n") == charged.count(b"\n") == 1


def test_a_failed_request_without_an_answer_is_known_by_its_call_id() -> None:
    record = RecordBuilder().build_charged(
        build_context(), build_completion(), CallDetails(error_code="408", error_class="Timeout")
    )
    metadata = msgspec.json.decode(record.metadata)
    assert (record.request_id, record.call_type, record.endpoint) == ("call", "aembedding", "/embeddings")
    assert (record.model, record.model_group) == ("group", "group")
    assert metadata["original_model_group"] == "alias"
    assert metadata["error_information"]["error_class"] == "Timeout"
    assert metadata["error_information"]["error_message"] == "late"
    assert metadata["gatewright"]["unpriced"] is True
    assert metadata["litellm_overhead_time_ms"] == 1.0


def test_counts_fit_the_integer_columns() -> None:
    record = RecordBuilder().build_charged(build_context(), build_completion())
    assert record.prompt_tokens == record.total_tokens == 2**31 - 1


def test_a_member_scope_is_split_although_the_user_id_has_a_colon() -> None:
    record = RecordBuilder().build_opened(build_context())
    assert msgspec.json.decode(record.scopes) == [["key", "hash"], ["team_member", "a:user", "team"]]


def test_scopes_of_the_request_follow_those_of_the_caller() -> None:
    builder, extra = RecordBuilder(), (Scope(ScopeKind.END_USER, "e"),)
    record = builder.build_opened(build_context(), CallDetails(extra_scopes=extra))
    assert msgspec.json.decode(record.scopes)[-1] == ["end_user", "e"]
    nobody = build_context(Principal(token_hash="master"))
    record = builder.build_opened(nobody, CallDetails(extra_scopes=extra))
    assert msgspec.json.decode(record.scopes) == [["end_user", "e"]]


def test_meters_follow_the_scopes_with_everything_that_tells_them_apart() -> None:
    context = build_context()
    context.charged = (Meter(ScopeKind.KEY, "hash", "gpt-4o", "1d", 7), Scope(ScopeKind.GATEWAY, "gateway"))
    record = RecordBuilder().build_opened(context)
    assert msgspec.json.decode(record.scopes)[-2:] == [
        ["meter", "key", "hash", "gpt-4o", "1d", 7],
        ["gateway", "gateway"],
    ]


def test_long_names_are_cut_and_large_bodies_replaced() -> None:
    details = CallDetails(
        end_user="x" * 10_000, messages=msgspec.Raw(b'"' + b"y" * 100_000 + b'"'), tags=("z" * 999,)
    )
    record = RecordBuilder().build_charged(build_context(agent="u" * 9_999), build_completion(), details)
    assert len(record.end_user or "") == 256
    assert msgspec.json.decode(record.messages or "") == {"truncated_bytes": 100_002}
    assert len(encode_line(record)) < 5_000


def test_lone_surrogates_do_not_stop_a_record() -> None:
    context = build_context(agent="\udcff")
    record = RecordBuilder().build_charged(context, build_completion(error_message="\ud800"))
    assert encode_line(msgspec.structs.replace(record, session_id="\udcff"))
    assert msgspec.json.decode(record.metadata)["user_agent"] == "?"


def test_a_replaced_principal_is_not_taken_for_the_old_one() -> None:
    builder = RecordBuilder(max_callers=2)
    for name in "abcabc":
        record = builder.build_opened(build_context(Principal(token_hash=name, key_alias=f"the {name}")))
        assert record.api_key == name
        assert msgspec.json.decode(record.metadata) == {"user_api_key_alias": f"the {name}"}
