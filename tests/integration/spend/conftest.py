"""A migrated database, a journal beside it, and requests to write into it."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from gateway.clock import SystemClock
from gateway.db.engine import Database
from gateway.db.url import parse_database_url
from gateway.domain import Charge, Completion, Endpoint, Principal, Scope, ScopeKind, Usage
from gateway.hooks import RequestBody, RequestContext, RequestHead
from gateway.ids import new_charge_id
from gateway.spend.builder import NO_DETAILS, CallDetails, RecordBuilder
from gateway.spend.drain import Drain
from gateway.spend.journal import Journal, JournalOptions
from gateway.spend.records import encode_line
from gateway.spend.rejected import RejectedFile
from gateway.spend.store import SpendStore

STARTED_NANOS = 1_750_000_000_123_000_000  # 2025-06-15T15:06:40.123Z
SEED_SQL = """
INSERT INTO "LiteLLM_BudgetTable" (budget_id, created_by, updated_by) VALUES ('b', 'x', 'x');
INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, models, created_by,
    updated_by) VALUES ('org', 'Org', 'b', '{}', 'x', 'x');
INSERT INTO "LiteLLM_UserTable" (user_id) VALUES ('user'), ('litellm-proxy-budget');
INSERT INTO "LiteLLM_TeamTable" (team_id) VALUES ('team');
INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id) VALUES ('user', 'team');
INSERT INTO "LiteLLM_OrganizationMembership" (user_id, organization_id) VALUES ('user', 'org');
INSERT INTO "LiteLLM_ProjectTable" (project_id, created_by, updated_by) VALUES ('project', 'x', 'x');
INSERT INTO "LiteLLM_TagTable" (tag_name) VALUES ('blue');
INSERT INTO "LiteLLM_VerificationToken" (token, spend) VALUES ('hash', 0.1), ('other', 0);
"""


def build_principal(token: str = "hash") -> Principal:
    return Principal(
        token_hash=token,
        key_alias="alias",
        user_id="user",
        team_id="team",
        team_alias="Team",
        organization_id="org",
        project_id="project",
        scopes=(
            Scope(ScopeKind.KEY, token),
            Scope(ScopeKind.USER, "user"),
            Scope(ScopeKind.TEAM, "team"),
            Scope(ScopeKind.TEAM_MEMBER, "user:team"),
            Scope(ScopeKind.ORGANIZATION, "org"),
            Scope(ScopeKind.ORGANIZATION_MEMBER, "user:org"),
            Scope(ScopeKind.PROJECT, "project"),
            Scope(ScopeKind.GATEWAY, "gateway"),
        ),
    )


def build_completion(context: RequestContext, nanos: int, request_id: str) -> Completion:
    return Completion(
        charge_id=context.charge_id,
        request_id=request_id,
        status="success",
        usage=Usage(prompt_tokens=10, completion_tokens=5, cached_tokens=3),
        charge=Charge(total=nanos, input=nanos),
        deployment_id="deployment",
        provider="openai",
        upstream_model="gpt-4o",
        started_nanos=STARTED_NANOS,
        ended_nanos=STARTED_NANOS + 250_000_000,
        model_group="gpt",
    )


class Worker:
    """What the pipeline does with a journal: opens requests, and charges them."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.builder = RecordBuilder()
        self.principal = build_principal()

    def open(self, estimate_nanos: int = 1_000, details: CallDetails = NO_DETAILS) -> RequestContext:
        context = RequestContext(
            head=RequestHead("POST", "/v1/chat/completions", {"user-agent": "test"}, client_host="10.0.0.1"),
            principal=self.principal,
            endpoint=Endpoint.CHAT,
            body=RequestBody.parse(b"{}"),
            model="gpt",
            is_stream=False,
            call_id=f"call-{new_charge_id()}",
            charge_id=new_charge_id(),
            started_nanos=STARTED_NANOS,
            started_monotonic=0,
        )
        context.estimated_cost_nanos = 10 * estimate_nanos
        context.estimated_input_nanos = estimate_nanos
        self.journal.append_opened(self.builder.build_opened(context, details))
        return context

    def charge(
        self,
        context: RequestContext,
        nanos: int,
        *,
        request_id: str | None = None,
        details: CallDetails = NO_DETAILS,
        **changes: object,
    ) -> None:
        completion = build_completion(context, nanos, request_id or f"chatcmpl-{context.charge_id}")
        record = self.builder.build_charged(context, msgspec.structs.replace(completion, **changes), details)
        scopes = (*self.principal.scopes, *details.extra_scopes)
        self.journal.append_charged_line(record.charge_id, encode_line(record), scopes, record.cost_nanos)

    def serve(self, nanos: int, **arguments: object) -> None:
        self.charge(self.open(), nanos, **arguments)


@pytest.fixture
async def database(migrated_database_url: str) -> AsyncIterator[Database]:
    database = Database(parse_database_url(migrated_database_url))
    await database.open()
    await database.execute("SELECT 1")
    async with database.acquire() as connection:
        await connection.execute(SEED_SQL)
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> SpendStore:
    return SpendStore(database)


@pytest.fixture
def make_journal(tmp_path: Path) -> Iterator[Callable[..., Journal]]:
    journals: list[Journal] = []

    def make(**options: float) -> Journal:
        journal = Journal(tmp_path / "journal", "worker", SystemClock(), JournalOptions(**options))
        journal.open()
        journals.append(journal)
        return journal

    yield make
    for journal in journals:
        journal.close()


@pytest.fixture
def journal(make_journal: Callable[..., Journal]) -> Journal:
    return make_journal()


@pytest.fixture
def worker(journal: Journal) -> Worker:
    return Worker(journal)


@pytest.fixture
def make_drain(store: SpendStore, tmp_path: Path) -> Callable[[Journal], Drain]:
    return lambda journal: Drain(journal, store, RejectedFile(tmp_path / "lines.rejected"))


@pytest.fixture
def drain(journal: Journal, make_drain: Callable[[Journal], Drain]) -> Drain:
    return make_drain(journal)
