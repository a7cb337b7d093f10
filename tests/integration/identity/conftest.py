"""A migrated database with one of everything that a key can belong to, and the services upon it."""

from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from gateway.access.models import ModelLists
from gateway.audit.trail import AuditTrail
from gateway.clock import SystemClock
from gateway.db.engine import Database
from gateway.db.tables import TABLES
from gateway.db.url import parse_database_url
from gateway.domain import Principal, Role, Secret
from gateway.identity.keys.control import KeyControl
from gateway.identity.keys.defaults import KeyDefaults
from gateway.identity.keys.service import KeyService
from gateway.identity.master import MasterKey
from gateway.identity.principals import Principals
from gateway.identity.records import Records
from gateway.identity.reset_calendar import ResetCalendar
from gateway.identity.store import KeyStore
from gateway.ids import hash_token

MASTER_KEY = "sk-master-0123456789abcdef"
TEAM_KEY = "sk-team-key-0123456789"
PERSONAL_KEY = "sk-personal-key-0123456789"

SEED_SQL = """
INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, tpm_limit, rpm_limit, max_parallel_requests,
    allowed_models, budget_reset_at, created_by, updated_by) VALUES
    ('of-member', 2, 20, 2, 22, '{gpt-4o}', NULL, 'x', 'x'),
    ('of-org', 4, 40, 4, NULL, '{}', '2030-01-01', 'x', 'x'),
    ('of-project', 5, NULL, 5, NULL, '{}', NULL, 'x', 'x'),
    ('of-key', 1, 10, 1, 11, '{}', '2031-01-01', 'x', 'x');
INSERT INTO "LiteLLM_ObjectPermissionTable" (object_permission_id) VALUES ('permission-of-key');
INSERT INTO "LiteLLM_OrganizationTable" (organization_id, organization_alias, budget_id, models, spend,
    created_by, updated_by) VALUES ('org', 'Org', 'of-org', '{gpt-4o,claude}', 0.4, 'x', 'x');
INSERT INTO "LiteLLM_ModelTable" (id, aliases, created_by, updated_by)
    VALUES (7, '{"fast": "gpt-4o-mini"}', 'x', 'x');
INSERT INTO "LiteLLM_TeamTable" (team_id, team_alias, organization_id, models, max_budget, spend, model_id,
    rpm_limit, tpm_limit, max_parallel_requests, metadata, members_with_roles, team_member_permissions)
    VALUES ('team', 'Team', 'org', '{gpt-4o,fast}', 3, 0.3, 7, 3, 30, 33, '{"tags": ["t"]}',
    '[{"user_id": "user", "role": "user"}, {"user_id": "boss", "role": "admin"}]', '{/key/generate}'),
    ('closed', 'Closed', NULL, '{}', NULL, 0, NULL, NULL, NULL, NULL, '{}',
    '[{"user_id": "user", "role": "user"}]', '{}');
INSERT INTO "LiteLLM_UserTable" (user_id, user_role, user_email, models, max_budget, spend, rpm_limit)
    VALUES ('user', 'internal_user', 'user@example.com', '{gpt-4o,claude}', 10, 0.1, 100),
    ('boss', 'internal_user', NULL, '{}', NULL, 0, NULL),
    ('stranger', 'internal_user', NULL, '{}', NULL, 0, NULL);
INSERT INTO "LiteLLM_TeamMembership" (user_id, team_id, spend, budget_id)
    VALUES ('user', 'team', 0.2, 'of-member');
INSERT INTO "LiteLLM_OrganizationMembership" (user_id, organization_id, spend) VALUES ('user', 'org', 0.6);
INSERT INTO "LiteLLM_ProjectTable" (project_id, project_alias, team_id, budget_id, models, spend, created_by,
    updated_by) VALUES ('project', 'Project', 'team', 'of-project', '{gpt-4o}', 0.5, 'x', 'x');
INSERT INTO gatewright.journal_position (journal, position) VALUES ('mine', 42);
"""

INSERT_KEYS = """
INSERT INTO "LiteLLM_VerificationToken" (token, key_name, key_alias, user_id, team_id, project_id, models,
    aliases, metadata, spend, max_budget, budget_id, object_permission_id, allowed_routes, expires)
VALUES ($1, 'sk-...6789', 'team key', 'user', 'team', 'project', '{all-team-models}',
    '{"quick": "fast"}', '{"a": 1}', 0.7, 6, 'of-key', 'permission-of-key', '{llm_api_routes}',
    '2032-01-01 00:00:00.123'),
    ($2, 'sk-...6789', NULL, 'user', NULL, NULL, '{}', '{}', '{}', 0, NULL, NULL, NULL, '{}', NULL)
"""


@pytest.fixture
def bound_tables() -> Iterator[None]:
    """Piccolo keeps one database per table class: give back what was there."""
    former = [table._meta._db for table in TABLES]
    yield
    for table, database in zip(TABLES, former, strict=True):
        table._meta._db = database


@pytest.fixture
async def database(migrated_database_url: str, bound_tables: None) -> AsyncIterator[Database]:
    database = Database(parse_database_url(migrated_database_url))
    await database.open()
    database.bind(TABLES)
    async with database.acquire() as connection:
        await connection.execute(SEED_SQL)
    await database.execute(INSERT_KEYS, hash_token(TEAM_KEY), hash_token(PERSONAL_KEY))
    yield database
    await database.close()


@pytest.fixture
def store(database: Database) -> KeyStore:
    return KeyStore(database)


@pytest.fixture
async def principals(store: KeyStore) -> AsyncIterator[Principals]:
    principals = Principals(store, SystemClock(), journal="mine")
    yield principals
    await principals.close()


@pytest.fixture
def keys(database: Database) -> KeyService:
    return KeyService(database, SystemClock(), KeyDefaults({}, {}), ModelLists().covers)


@pytest.fixture
def control(database: Database, keys: KeyService) -> KeyControl:
    records = Records(database, SystemClock(), ResetCalendar(), AuditTrail(database))
    return KeyControl(database, records, keys.owners)


@pytest.fixture
def admin() -> Principal:
    return MasterKey(Secret(MASTER_KEY)).principal


@pytest.fixture
def member() -> Callable[..., Principal]:
    """Builds a caller with a personal key of an internal user."""

    def build(user_id: str = "user", **fields: object) -> Principal:
        role = fields.pop("role", Role.INTERNAL_USER)
        return Principal(token_hash=f"hash-of-{user_id}", user_id=user_id, role=role, **fields)

    return build
