import msgspec
import pytest

from gateway.domain import Endpoint, Principal, Scope, ScopeKind
from gateway.hooks import RequestBody, RequestContext, RequestHead
from gateway.spend.attribution import Attribution
from gateway.spend.builder import NO_DETAILS, CallDetails


def read(
    headers: dict[str, str] | None = None,
    principal: Principal | None = None,
    by: Attribution | None = None,
    **members: object,
) -> CallDetails:
    context = RequestContext(
        head=RequestHead("POST", "/v1/chat/completions", headers or {}),
        principal=principal or Principal(token_hash="hash"),
        endpoint=Endpoint.CHAT,
        body=RequestBody.parse(msgspec.json.encode({"model": "m", "messages": [], **members})),
        model="m",
        is_stream=False,
        call_id="call",
        charge_id="charge",
        started_nanos=0,
        started_monotonic=0,
    )
    return (by or Attribution()).read(context)


def test_a_request_that_says_nothing_has_no_details():
    assert read() is NO_DETAILS


@pytest.mark.parametrize(
    ("headers", "members", "expected"),
    [
        ({"x-litellm-customer-id": "a", "x-litellm-end-user-id": "b"}, {"user": "c"}, "a"),
        ({"x-litellm-end-user-id": "b"}, {"user": "c"}, "b"),
        ({"x-litellm-end-user-id": " "}, {"user": "c"}, "c"),
        ({}, {"user": "c", "litellm_metadata": {"user": "d"}}, "c"),
        ({}, {"litellm_metadata": {"user": "d"}, "metadata": {"user_id": "e"}}, "d"),
        ({}, {"metadata": {"user_id": "e"}, "safety_identifier": "f"}, "e"),
        ({}, {"safety_identifier": "f"}, "f"),
        ({}, {"user": 7}, "7"),
        ({}, {"user": True}, None),
        ({}, {"user": ["x"]}, None),
        ({}, {"user": ""}, None),
        ({}, {"metadata": "text"}, None),
    ],
)
def test_the_end_user_is_the_first_that_is_named(headers, members, expected):
    details = read(headers, **members)
    assert details.end_user == expected
    scopes = () if expected is None else (Scope(ScopeKind.END_USER, expected),)
    assert details.extra_scopes == scopes


@pytest.mark.parametrize(
    ("headers", "members", "expected"),
    [
        ({"x-litellm-trace-id": "t", "x-litellm-session-id": "s"}, {}, "t"),
        ({"x-litellm-session-id": "s", "x-session-id": "x"}, {}, "s"),
        ({"x-session-id": "x"}, {"litellm_session_id": "b"}, "x"),
        ({}, {"litellm_session_id": "b", "metadata": {"session_id": "m"}}, "b"),
        ({}, {"metadata": {"session_id": "m"}}, "m"),
    ],
)
def test_the_session_is_the_first_that_is_named(headers, members, expected):
    assert read(headers, **members).session_id == expected


def test_the_agent_is_the_one_that_the_header_names():
    details = read({"x-litellm-agent-id": "robot"}, user="ann")
    assert details.agent_id == "robot"
    assert details.extra_scopes == (Scope(ScopeKind.END_USER, "ann"), Scope(ScopeKind.AGENT, "robot"))


def test_a_key_of_an_agent_speaks_for_no_other():
    details = read({"x-litellm-agent-id": "robot"}, Principal(token_hash="hash", agent_id="own"))
    assert (details.agent_id, details.extra_scopes) == (None, ())


def test_tags_come_from_everybody_once_each():
    principal = Principal(
        token_hash="hash", metadata={"tags": ["key", "both"]}, team_metadata={"tags": ["team"]}
    )
    details = read(
        {"x-litellm-tags": "a,both", "user-agent": "prog/2"},
        principal,
        tags=["b"],
        metadata={"tags": ["c", "a"]},
    )
    agent = ("User-Agent: prog", "User-Agent: prog/2")
    assert details.tags == ("a", "both", "b", "c", "key", "team", *agent)
    assert details.extra_scopes == tuple(Scope(ScopeKind.TAG, tag) for tag in details.tags)


def test_the_client_program_alone_is_a_tag():
    assert read({"user-agent": "prog"}).tags == ("User-Agent: prog",)


def test_tags_are_bounded_in_number_and_length():
    details = read(tags=["x" * 300, *(f"tag-{number}" for number in range(100))])
    assert len(details.tags) == 50
    assert details.tags[0] == "x" * 256


def test_tags_of_key_and_team_stay_however_many_a_request_brings():
    """Budgets stand on them: a client must not get rid of one by sending others."""
    principal = Principal(
        token_hash="hash", metadata={"tags": ["key", "tag-1"]}, team_metadata={"tags": ["team"]}
    )
    sent = [f"tag-{number}" for number in range(100)]
    details = read({"user-agent": "prog"}, principal, tags=sent)
    assert details.tags == (*sent[:50], "key", "team")


def test_notes_of_the_key_are_overruled_by_those_of_the_request():
    principal = Principal(
        token_hash="hash", metadata={"spend_logs_metadata": {"cost_centre": 1, "job": "key"}}
    )
    details = read(
        {"x-litellm-spend-logs-metadata": '{"step": 3}'},
        principal,
        metadata={"spend_logs_metadata": {"job": "body"}},
    )
    assert details.spend_logs_metadata is not None
    assert msgspec.json.decode(details.spend_logs_metadata) == {"cost_centre": 1, "job": "body", "step": 3}


@pytest.mark.parametrize("text", ["no json", "[1]", "3", "[" * 5_000])
def test_notes_that_are_no_object_are_passed_over(text):
    assert read({"x-litellm-spend-logs-metadata": text}).spend_logs_metadata is None


@pytest.mark.parametrize(
    ("headers", "members", "expected"),
    [
        ({"x-litellm-num-retries": "3"}, {}, 3),
        ({"x-litellm-num-retries": "many"}, {"num_retries": 4}, None),
        ({}, {"num_retries": 4}, 4),
        ({}, {"num_retries": -1}, None),
        ({}, {"num_retries": True}, None),
    ],
)
def test_the_retries_that_were_asked_for_are_noted(headers, members, expected):
    assert read(headers, **members).max_retries == expected


def test_requests_that_name_the_same_share_one_object_from_the_second_on():
    by, named = Attribution(), {"user": "customer", "tags": ["a", "b"]}
    first, second, third = (read(by=by, **named) for _ in range(3))
    assert not first.is_shared
    assert second is third
    assert second.is_shared
    assert msgspec.structs.replace(second, is_shared=False) == first
    assert read(by=by, user="another") is not second


@pytest.mark.parametrize(
    ("headers", "owner"),
    [
        ({"x-litellm-customer-id": "other", "x-litellm-tags": "a"}, {}),
        ({"x-litellm-customer-id": "c", "x-litellm-tags": "b"}, {}),
        ({"x-litellm-customer-id": "c", "x-litellm-tags": "a", "user-agent": "curl/8"}, {}),
        ({"x-litellm-customer-id": "c", "x-litellm-tags": "a", "x-litellm-agent-id": "g"}, {}),
        ({"x-litellm-customer-id": "c", "x-litellm-tags": "a", "x-session-id": "s"}, {}),
        ({"x-litellm-customer-id": "c", "x-litellm-tags": "a"}, {"end_user_id": "own"}),
        ({"x-litellm-customer-id": "c", "x-litellm-tags": "a"}, {"metadata": {"tags": ["z"]}}),
    ],
)
def test_what_headers_said_before_is_only_of_who_says_the_same(headers, owner):
    by, usual = Attribution(), {"x-litellm-customer-id": "c", "x-litellm-tags": "a"}
    _, second, third = (read(usual, by=by) for _ in range(3))
    assert second is third
    principal = Principal(token_hash="hash", **owner)
    for _ in range(3):
        found = read(headers, principal, by)
        fresh = read(headers, principal)
        assert msgspec.structs.replace(found, is_shared=False) == fresh
        assert found != second


def test_an_agent_that_the_key_has_overrules_what_a_header_said_before():
    by, headers = Attribution(), {"x-litellm-agent-id": "g"}
    assert [read(headers, by=by).agent_id for _ in range(3)] == ["g"] * 3
    assert read(headers, Principal(token_hash="hash", agent_id="own"), by).agent_id is None


@pytest.mark.parametrize("said", [{"litellm_session_id": "s"}, {"num_retries": 2}])
def test_what_belongs_to_one_request_is_never_shared(said):
    by = Attribution()
    assert not any(read(by=by, user="customer", **said).is_shared for _ in range(3))
