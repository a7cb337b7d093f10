"""The gateway's own tables in the schema `gatewright`, where LiteLLM's migration tool does not look."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from gateway.db.schema.connection import SchemaConnection
from gateway.db.schema.steps import Step

__all__ = ["OWN_SCHEMA", "OWN_TABLES", "plan_own_tables", "read_own_tables"]

OWN_SCHEMA = "gatewright"

# Amounts are nano-dollars; a bigint holds nine billion dollars.
OWN_TABLES: Mapping[str, str] = MappingProxyType(
    {
        "schema_migration": """
CREATE TABLE gatewright.schema_migration (
    id serial PRIMARY KEY, name varchar(200) NOT NULL, app_name varchar(200) NOT NULL,
    ran_on timestamp NOT NULL
)""",
        "schema_state": """
CREATE TABLE gatewright.schema_state (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1),
    fingerprint text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now()
)""",
        "journal_position": """
CREATE TABLE gatewright.journal_position (
    journal text PRIMARY KEY, position bigint NOT NULL, updated_at timestamptz NOT NULL DEFAULT now()
)""",
        "alert_sent": """
CREATE TABLE gatewright.alert_sent (
    event text NOT NULL, entity text NOT NULL, sent_at timestamptz NOT NULL, PRIMARY KEY (event, entity)
)""",
        "terminal_login": """
CREATE TABLE gatewright.terminal_login (
    id text PRIMARY KEY, secret_hash text NOT NULL, user_code text NOT NULL, user_id text,
    attempts integer NOT NULL DEFAULT 0, expires_at timestamptz NOT NULL
)""",
        "voucher": """
CREATE TABLE gatewright.voucher (
    id text PRIMARY KEY, purpose text NOT NULL, content text NOT NULL, expires_at timestamptz NOT NULL,
    used_at timestamptz
);
CREATE INDEX voucher_expires_at_idx ON gatewright.voucher (expires_at)""",
        "mcp_registration": """
CREATE TABLE gatewright.mcp_registration (
    server_id text NOT NULL, issuer text NOT NULL, content text NOT NULL, PRIMARY KEY (server_id, issuer)
)""",
        "mcp_grant": """
CREATE TABLE gatewright.mcp_grant (
    id text PRIMARY KEY, client_hash text NOT NULL, refresh_hash text NOT NULL, token text NOT NULL,
    expires_at timestamptz NOT NULL
);
CREATE INDEX mcp_grant_token_idx ON gatewright.mcp_grant (token);
CREATE INDEX mcp_grant_expires_at_idx ON gatewright.mcp_grant (expires_at)""",
        "lease": """
CREATE TABLE gatewright.lease (
    job text PRIMARY KEY, holder text NOT NULL, token bigint NOT NULL, expires_at timestamptz NOT NULL
)""",
        "meter": """
CREATE TABLE gatewright.meter (
    kind text NOT NULL, id text NOT NULL, model text NOT NULL, period text NOT NULL, ends_ms bigint NOT NULL,
    nanos bigint NOT NULL, PRIMARY KEY (kind, id, model, period, ends_ms)
) WITH (fillfactor = 70)""",
        "recorded": """
CREATE TABLE gatewright.recorded (
    entity_type text NOT NULL, entity_id text NOT NULL, nanos bigint NOT NULL,
    rowless_nanos bigint NOT NULL DEFAULT 0, PRIMARY KEY (entity_type, entity_id)
) WITH (fillfactor = 70)""",
        "books": """
CREATE TABLE gatewright.books (
    id smallint PRIMARY KEY DEFAULT 1 CHECK (id = 1), opened_at timestamptz NOT NULL DEFAULT now(),
    days_since date NOT NULL, tag_days_since date NOT NULL
)""",
        "opening_balance": """
CREATE TABLE gatewright.opening_balance (
    entity_type text NOT NULL, entity_id text NOT NULL, nanos bigint NOT NULL,
    at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (entity_type, entity_id)
)""",
        "adjustment": """
CREATE TABLE gatewright.adjustment (
    id text PRIMARY KEY, entity_type text NOT NULL, entity_id text NOT NULL, nanos bigint NOT NULL,
    reason text NOT NULL, actor text NOT NULL, at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX adjustment_entity_idx ON gatewright.adjustment (entity_type, entity_id, at)""",
    }
)

_SCHEMA = "(schema)"
_READ = """
SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind = 'r'
UNION ALL SELECT $2 FROM pg_namespace WHERE nspname = $1
"""


async def read_own_tables(connection: SchemaConnection) -> frozenset[str]:
    """The names of the tables in our schema; an existing schema counts as one more name."""
    rows = await connection.fetch(_READ, OWN_SCHEMA, _SCHEMA)
    return frozenset(row["name"] for row in rows)


def plan_own_tables(present: frozenset[str]) -> Iterator[Step]:
    """The steps for what our schema lacks."""
    if _SCHEMA not in present:
        yield Step(sql=f"CREATE SCHEMA {OWN_SCHEMA}", reason=f"schema {OWN_SCHEMA} is missing")
    for name, sql in OWN_TABLES.items():
        if name not in present:
            yield Step(sql=sql.strip(), reason=f"table {OWN_SCHEMA}.{name} is missing")
