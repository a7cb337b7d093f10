"""What a request pays for its two journal records, and what a record costs the drain in Python."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from gateway.clock import SystemClock
from gateway.domain import Charge, Completion, Endpoint, Principal, Scope, ScopeKind, Usage
from gateway.hooks import RequestBody, RequestContext, RequestHead
from gateway.spend.builder import RecordBuilder
from gateway.spend.journal import Journal
from gateway.spend.records import ChargedRecord, encode_line
from gateway.spend.segments import keep_charged

Compare = Callable[..., None]
PRINCIPAL = Principal(
    token_hash="88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b",
    key_alias="benchmark",
    user_id="user-1",
    team_id="team-1",
    team_alias="Team",
    scopes=(
        Scope(ScopeKind.KEY, "88dc28d0f030c55ed4ab77ed8faf098196cb1c05df778539800c9f1243fe6b4b"),
        Scope(ScopeKind.USER, "user-1"),
        Scope(ScopeKind.TEAM, "team-1"),
        Scope(ScopeKind.TEAM_MEMBER, "user-1:team-1"),
    ),
)
CONTEXT = RequestContext(
    head=RequestHead(
        "POST", "/v1/chat/completions", {"user-agent": "OpenAI/Python 2"}, client_host="10.0.0.1"
    ),
    principal=PRINCIPAL,
    endpoint=Endpoint.CHAT,
    body=RequestBody.parse(b"{}"),
    model="gpt-4o",
    is_stream=False,
    call_id="0199b0f4-7b8e-7cc0-8000-000000000000",
    charge_id="0199b0f4-7b8e-7cc0-8000-000000000001",
    started_nanos=1_750_000_000_123_000_000,
    started_monotonic=0,
)
COMPLETION = Completion(
    charge_id=CONTEXT.charge_id,
    request_id="chatcmpl-0199b0f47b8e7cc08000",
    status="success",
    usage=Usage(prompt_tokens=25, completion_tokens=40),
    charge=Charge(total=462_500, input=62_500, output=400_000),
    deployment_id="deployment-1",
    provider="openai",
    upstream_model="gpt-4o-2024-11-20",
    started_nanos=CONTEXT.started_nanos,
    ended_nanos=CONTEXT.started_nanos + 250_000_000,
    upstream_nanos=249_000_000,
    model_group="gpt-4o",
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "benchmark", SystemClock())
    journal.open()
    yield journal
    journal.close()


def test_build_and_encode_opened(compare: Compare) -> None:
    builder = RecordBuilder()
    compare(lambda: encode_line(builder.build_opened(CONTEXT)))


def test_build_and_encode_charged(compare: Compare) -> None:
    builder = RecordBuilder()
    compare(lambda: encode_line(builder.build_charged(CONTEXT, COMPLETION)))


def test_append_opened_and_charged(compare: Compare, journal: Journal) -> None:
    builder = RecordBuilder()
    opened, charged = builder.build_opened(CONTEXT), builder.build_charged(CONTEXT, COMPLETION)

    def append() -> None:
        journal.append_opened(opened)
        _append_charged(journal, charged)

    compare(append)


def test_whole_request(compare: Compare, journal: Journal) -> None:
    builder = RecordBuilder()

    def serve() -> None:
        journal.append_opened(builder.build_opened(CONTEXT))
        _append_charged(journal, builder.build_charged(CONTEXT, COMPLETION))

    compare(serve)


def test_pick_charged_lines(compare: Compare) -> None:
    """The drain's own work per batch; the rest is one COPY and PostgreSQL's."""
    builder = RecordBuilder()
    lines = encode_line(builder.build_opened(CONTEXT)) + encode_line(
        builder.build_charged(CONTEXT, COMPLETION)
    )
    data = lines * 100
    compare(lambda: keep_charged(data), calls=100)


def _append_charged(journal: Journal, record: ChargedRecord) -> None:
    journal.append_charged_line(record.charge_id, encode_line(record), PRINCIPAL.scopes, record.cost_nanos)
