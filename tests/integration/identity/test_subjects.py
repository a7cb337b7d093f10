"""End users, tags and agents on the request, from the database to what restricts."""

import asyncio
import time
from collections.abc import AsyncIterator

import pytest

from gateway.clock import SystemClock
from gateway.db.engine import Database
from gateway.db.failures import is_repeatable
from gateway.domain import AgentRules, LimitKind, ModelGrant, Scope, ScopeKind, Subject
from gateway.errors import DatabaseUnavailable
from gateway.identity.invalidation import Invalidation, encode_scopes
from gateway.identity.principals import Principals
from gateway.identity.store import KeyStore
from gateway.identity.subject_build import SubjectDefaults
from gateway.identity.subject_store import FIND_SUBJECTS, SubjectStore
from gateway.identity.subjects import Subjects
from gateway.testing import make_principal

ROWS = """
INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, rpm_limit, created_by, updated_by) VALUES
    ('of-customer', 2, 20, 'x', 'x'), ('of-tag', 3, NULL, 'x', 'x'), ('default', 5, NULL, 'x', 'x');
INSERT INTO "LiteLLM_ObjectPermissionTable" (object_permission_id, models) VALUES ('of-agent', '{m}');
INSERT INTO "LiteLLM_EndUserTable" (user_id, alias, spend, budget_id, blocked, models, allowed_model_region,
    default_model) VALUES
    ('ann', 'Ann', 0.5, 'of-customer', FALSE, '{m}', 'eu', 'm'),
    ('bob', NULL, 0, NULL, TRUE, '{}', NULL, NULL),
    ('free', NULL, 7, NULL, FALSE, '{}', NULL, 'm');
INSERT INTO "LiteLLM_TagTable" (tag_name, spend, budget_id, updated_at)
    VALUES ('paid', 0.25, 'of-tag', now()), ('plain', 1, NULL, now());
INSERT INTO "LiteLLM_AgentsTable" (agent_id, agent_name, agent_card_params, litellm_params, rpm_limit,
    session_tpm_limit, object_permission_id, spend, created_by, updated_by) VALUES
    ('robot', 'Robot', '{}', '{}', 4, 9, 'of-agent', 0.125, 'x', 'x');
"""
ANN, BOB, FREE = (Scope(ScopeKind.END_USER, name) for name in ("ann", "bob", "free"))
PAID, PLAIN, NEW = (Scope(ScopeKind.TAG, name) for name in ("paid", "plain", "new"))
ROBOT = Scope(ScopeKind.AGENT, "robot")
CALLER = make_principal()
USD = 10**9


class TurnableClock:
    def __init__(self) -> None:
        self.ahead = 0

    def monotonic_nanos(self) -> int:
        return time.monotonic_ns() + self.ahead * USD

    def now_nanos(self) -> int:
        return time.time_ns()


@pytest.fixture
def clock() -> TurnableClock:
    return TurnableClock()


@pytest.fixture
def seeds() -> list[tuple[dict[Scope, int], int]]:
    return []


@pytest.fixture
async def subjects(
    database: Database, clock: TurnableClock, seeds: list[tuple[dict[Scope, int], int]]
) -> AsyncIterator[Subjects]:
    async with database.acquire() as connection:
        await connection.execute(ROWS)
    found = Subjects(
        SubjectStore(database),
        clock,
        journal="mine",
        seed=lambda totals, position: seeds.append((dict(totals), position)),
    )
    yield found
    await found.close()


def test_the_look_up_counts_as_a_read_that_may_be_repeated() -> None:
    assert is_repeatable(FIND_SUBJECTS)


async def test_one_statement_reads_every_name_of_a_request(
    subjects: Subjects, database: Database, seeds: list[tuple[dict[Scope, int], int]]
) -> None:
    named = (ANN, PAID, PLAIN, NEW, ROBOT)
    async with database.count_statements() as counter:
        found = await subjects.find(CALLER, named)
    assert len(counter) == 1
    by_scope = {subject.scope: subject for subject in found}
    assert set(by_scope) == {ANN, PAID, ROBOT}
    ann = by_scope[ANN]
    assert [(limit.kind, limit.amount, limit.name) for limit in ann.limits] == [
        (LimitKind.BUDGET, 2 * USD, "Ann"),
        (LimitKind.REQUESTS, 20, "Ann"),
    ]
    assert ann.grants == (ModelGrant(ANN, frozenset({"m"})),)
    assert (ann.allowed_region, ann.default_model, ann.is_blocked) == ("eu", "m", False)
    assert [limit.amount for limit in by_scope[PAID].limits] == [3 * USD]
    robot = by_scope[ROBOT]
    assert [(limit.kind, limit.amount) for limit in robot.limits] == [(LimitKind.REQUESTS, 4)]
    assert robot.agent_rules == AgentRules(session_tpm=9)
    assert robot.grants == (ModelGrant(ROBOT, frozenset({"m"})),)
    assert seeds == [({ANN: USD // 2, PAID: USD // 4, ROBOT: USD // 8}, 42)]


async def test_names_that_are_known_cost_no_statement_restricted_or_not(
    subjects: Subjects, database: Database
) -> None:
    await subjects.find(CALLER, (ANN, PLAIN, NEW))
    async with database.count_statements() as counter:
        for named in ((ANN, PLAIN, NEW), (ANN,), (NEW, PLAIN), ()):
            await subjects.find(CALLER, named)
    assert len(counter) == 0


async def test_only_unknown_names_are_asked_for(subjects: Subjects, database: Database) -> None:
    await subjects.find(CALLER, (ANN, PLAIN))
    async with database.count_statements() as counter:
        found = await subjects.find(CALLER, (ANN, BOB, PLAIN, NEW))
    assert len(counter) == 1
    assert [subject.scope for subject in found] == [ANN, BOB]
    assert found[1].is_blocked


async def test_a_hundred_requests_with_new_names_cost_one_statement(
    subjects: Subjects, database: Database
) -> None:
    async with database.count_statements() as counter:
        found = await asyncio.gather(*(subjects.find(CALLER, (ANN, NEW)) for _ in range(100)))
    assert len(counter) == 1
    assert len({id(subject) for (subject,) in found}) == 1


async def test_a_change_is_seen_at_once_when_it_is_announced(subjects: Subjects, database: Database) -> None:
    invalidation = Invalidation(Principals(KeyStore(database), SystemClock()), subjects)
    named = (FREE, NEW)
    assert await subjects.find(CALLER, named) == ()
    await database.execute("""UPDATE "LiteLLM_EndUserTable" SET blocked = TRUE WHERE user_id = 'free'""")
    assert await subjects.find(CALLER, named) == ()
    for payload in encode_scopes([FREE]):
        invalidation.apply(payload)
    (blocked,) = await subjects.find(CALLER, named)
    assert (blocked.scope, blocked.is_blocked) == (FREE, True)
    await database.execute("""UPDATE "LiteLLM_EndUserTable" SET blocked = FALSE WHERE user_id = 'free'""")
    invalidation.apply("*")
    assert await subjects.find(CALLER, named) == ()


async def test_a_foreign_change_is_seen_after_a_minute(
    subjects: Subjects, database: Database, clock: TurnableClock
) -> None:
    assert await subjects.find(CALLER, (FREE,)) == ()
    await database.execute("""UPDATE "LiteLLM_EndUserTable" SET blocked = TRUE WHERE user_id = 'free'""")
    clock.ahead = 61
    assert [subject.scope for subject in await subjects.find(CALLER, (FREE,))] == [FREE]


async def test_what_was_read_while_something_changed_is_read_again(
    database: Database, seeds: list[tuple[dict[Scope, int], int]], subjects: Subjects
) -> None:
    class Resetting(SubjectStore):
        """A store in which a reset is announced while the first reading is under way."""

        was_reset = False

        async def find_subjects(self, *args, **options):
            rows = await super().find_subjects(*args, **options)
            if not self.was_reset:
                self.was_reset = True
                await database.execute('UPDATE "LiteLLM_EndUserTable" SET spend = 0')
                watched.drop([ANN])
            return rows

    found: list[dict[Scope, int]] = []
    watched = Subjects(
        Resetting(database), SystemClock(), seed=lambda totals, _position: found.append(dict(totals))
    )
    await watched.find(CALLER, (ANN,))
    assert found == [{ANN: 0}]
    await watched.close()


async def test_end_users_without_a_budget_have_the_configured_one_with_or_without_a_row(
    subjects: Subjects,
) -> None:
    subjects.configure(SubjectDefaults(end_user_budget_id="default"))
    unknown = Scope(ScopeKind.END_USER, "nobody-yet")
    found = await subjects.find(CALLER, (ANN, FREE, unknown, PLAIN))
    amounts = {subject.scope: subject.limits[0].amount for subject in found}
    assert amounts == {ANN: 2 * USD, FREE: 5 * USD, unknown: 5 * USD}
    subjects.configure(SubjectDefaults(end_user_budget_nanos=0))
    (found_free,) = await subjects.find(CALLER, (FREE,))
    assert [limit.amount for limit in found_free.limits] == [0]


async def test_a_configured_budget_that_is_not_there_is_named(subjects: Subjects) -> None:
    subjects.configure(SubjectDefaults(end_user_budget_id="gone"))
    ann, free = await subjects.find(CALLER, (ANN, FREE))
    assert ann.unreadable == ()
    assert free.unreadable == ("max_end_user_budget_id",)


async def test_settings_that_nobody_can_read_are_named(subjects: Subjects, database: Database) -> None:
    await database.execute("""UPDATE "LiteLLM_BudgetTable" SET max_budget = 'NaN'""")
    await database.execute("""UPDATE "LiteLLM_TagTable" SET spend = 'Infinity'""")
    await database.execute("""UPDATE "LiteLLM_AgentsTable" SET litellm_params = '[1]'""")
    found = await subjects.find(CALLER, (ANN, PLAIN, ROBOT))
    assert [subject.unreadable for subject in found] == [
        ("max_budget",),
        ("spend",),
        ("litellm_params",),
    ]


async def test_sessions_of_agents_have_limits_of_their_own(subjects: Subjects) -> None:
    first = await subjects.find(CALLER, (ROBOT,), "s1")
    again = await subjects.find(CALLER, (ROBOT,), "s1")
    other = await subjects.find(CALLER, (ROBOT,), "s2")
    assert [subject.scope for subject in first] == [ROBOT, Scope(ScopeKind.AGENT_SESSION, "robot:s1")]
    assert [(limit.kind, limit.amount) for limit in first[1].limits] == [(LimitKind.TOKENS, 9)]
    assert again[1] is first[1]
    assert other[1].scope.id == "robot:s2"


async def test_the_session_of_the_keys_own_agent_too(subjects: Subjects) -> None:
    caller = make_principal(agent_id="own", agent_rules=AgentRules(session_rpm=3))
    (session,) = await subjects.find(caller, (), "s")
    assert session.scope == Scope(ScopeKind.AGENT_SESSION, "own:s")
    assert await subjects.find(caller, ()) == ()


async def test_tags_for_which_the_key_has_limits(subjects: Subjects) -> None:
    tagged = Subject(scope=PLAIN, name="plain")
    caller = make_principal(tag_subjects={"plain": tagged})
    assert await subjects.find(caller, (PLAIN, NEW)) == (tagged,)
    assert await subjects.find(CALLER, (PLAIN, NEW)) == ()


async def test_without_a_database_known_names_keep_what_they_have_and_unknown_ones_are_refused(
    subjects: Subjects, database: Database, clock: TurnableClock
) -> None:
    known = await subjects.find(CALLER, (ANN, PLAIN))
    await database.close()
    clock.ahead = 3_600
    assert await subjects.find(CALLER, (ANN, PLAIN)) == known
    with pytest.raises(DatabaseUnavailable):
        await subjects.find(CALLER, (NEW,))
    await database.open()


async def test_hostile_names_are_only_parameters(subjects: Subjects) -> None:
    hostile = tuple(Scope(ScopeKind.TAG, text) for text in ("'; DROP TABLE x; --", '{"a"}', "{}", "\\"))
    assert await subjects.find(CALLER, hostile) == ()


async def test_the_look_up_reads_large_tables_by_their_indexes_only(database: Database) -> None:
    """Plans of small tables say nothing: sequential scans are made as dear as they are in large ones."""
    async with database.acquire() as connection:
        await connection.execute("SET enable_seqscan = off")
        sql = f"EXPLAIN (COSTS OFF) {FIND_SUBJECTS}"
        plan = await connection.fetch(sql, ["a"], ["b"], ["c"], None, "journal", ["d"], True)
        await connection.execute("RESET enable_seqscan")
    assert [line[0].strip() for line in plan if "Seq Scan" in line[0]] == []


OFFERING = make_principal(metadata={"end_user_budget_id": "of-tag"})


async def test_a_keys_budget_for_new_customers_holds_for_those_whom_nobody_knows(subjects: Subjects) -> None:
    unknown = Scope(ScopeKind.END_USER, "nobody-yet")
    found = await subjects.find(OFFERING, (ANN, FREE, unknown))
    assert {subject.scope: subject.limits[0].amount for subject in found} == {ANN: 2 * USD, unknown: 3 * USD}
    assert await subjects.find(CALLER, (unknown,)) == ()
    subjects.configure(SubjectDefaults(end_user_budget_id="default"))
    found = await subjects.find(OFFERING, (FREE, unknown))
    assert [subject.limits[0].amount for subject in found] == [5 * USD, 3 * USD]


async def test_a_new_customer_is_forgotten_however_it_was_named(
    subjects: Subjects, database: Database
) -> None:
    unknown = Scope(ScopeKind.END_USER, "nobody-yet")
    await subjects.find(OFFERING, (unknown,))
    await database.execute("""INSERT INTO "LiteLLM_EndUserTable" (user_id, blocked)
        VALUES ('nobody-yet', TRUE)""")
    subjects.drop([unknown])
    (found,) = await subjects.find(OFFERING, (unknown,))
    assert found.is_blocked
    assert found.limits == ()


async def test_a_keys_budget_that_is_not_there_is_named(subjects: Subjects) -> None:
    caller = make_principal(metadata={"end_user_budget_id": "gone"})
    (found,) = await subjects.find(caller, (Scope(ScopeKind.END_USER, "nobody-yet"),))
    assert found.unreadable == ("end_user_budget_id",)


async def test_only_customers_and_users_are_somebody(subjects: Subjects, database: Database) -> None:
    await database.execute("""INSERT INTO "LiteLLM_UserTable" (user_id, user_email)
        VALUES ('carl', 'Carl@Example.com')""")
    subjects.configure(SubjectDefaults(validates_end_users=True))

    async def is_somebody(name: str) -> bool:
        return await subjects.is_somebody(CALLER, Scope(ScopeKind.END_USER, name))

    for name in ("ann", "free", "bob", "carl", "carl@example.com"):
        assert await is_somebody(name)
    for name in ("nobody", '{"device_id": "1"}', "[1]"):
        assert not await is_somebody(name)
    assert await subjects.find(CALLER, (Scope(ScopeKind.END_USER, "nobody"),)) == ()
    subjects.configure(SubjectDefaults(validates_end_users=True, end_user_budget_id="default"))
    assert await is_somebody("nobody")
    assert not await is_somebody("{}")
