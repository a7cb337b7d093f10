"""The queries that read what the database adds to the configuration: models, guardrails, MCP servers."""

from datetime import datetime

import msgspec

from gateway.catalog.added import GuardrailRow, McpServerRow, ModelRow
from gateway.db.engine import Database
from gateway.settings.overlay import LIVE_FIELDS, VARIABLES
from gateway.settings.secret_managers import MANAGERS

__all__ = [
    "PRICES_ROW",
    "SSO_ROW",
    "UI_ROW",
    "AttachmentRow",
    "CredentialRow",
    "ModelStore",
    "PolicyRow",
    "StoredRows",
]

SSO_ROW, UI_ROW = "sso_config", "ui_settings"
"""The keys of the one row of settings that each of these tables has."""
PRICES_ROW = "model_cost_map_reload_config"
"""The row of `LiteLLM_Config` that says when prices are read anew."""

_MODELS = """
SELECT model_id, model_name, litellm_params::text AS litellm_params, model_info::text AS model_info,
    blocked AS is_blocked, created_at, created_by, updated_at, updated_by
FROM "LiteLLM_ProxyModelTable" ORDER BY created_at, model_id
"""
_CREDENTIALS = """
SELECT credential_name, credential_values::text AS credential_values,
    credential_info::text AS credential_info, updated_at
FROM "LiteLLM_CredentialsTable" ORDER BY credential_name
"""
_GUARDRAILS = """
SELECT guardrail_id, guardrail_name, litellm_params::text AS litellm_params,
    guardrail_info::text AS guardrail_info, created_at, updated_at
FROM "LiteLLM_GuardrailsTable" WHERE status = 'active' ORDER BY created_at, guardrail_id
"""
# Of each policy the version in production, else the latest one: its name is known, and it does nothing.
_POLICIES = """
SELECT DISTINCT ON (policy_name) policy_id, policy_name, version_status, inherit, description, guardrails_add,
    guardrails_remove, condition::text AS condition, pipeline::text AS pipeline
FROM "LiteLLM_PolicyTable"
ORDER BY policy_name, version_status = 'production' DESC, version_number DESC
"""
_ATTACHMENTS = """
SELECT attachment_id, policy_name, scope, teams, keys, models, tags, priority, is_default
FROM "LiteLLM_PolicyAttachmentTable" ORDER BY created_at, attachment_id
"""
# Without what changes by itself: times, and the findings of health checks.
_MCP_SERVERS = """
SELECT server_id, (to_jsonb(s) - ARRAY[
    'created_at', 'created_by', 'updated_at', 'updated_by', 'status', 'last_health_check',
    'health_check_error'
])::text AS columns
FROM "LiteLLM_MCPServerTable" s WHERE COALESCE(approval_status, 'active') = 'active'
ORDER BY created_at, server_id
"""
_TOOLSETS = """
SELECT toolset_id, toolset_name, tools::text AS tools FROM "LiteLLM_MCPToolsetTable" ORDER BY toolset_name
"""
# Of most tools nothing is said.
_TOOLS = """
SELECT tool_name, input_policy, output_policy FROM "LiteLLM_ToolTable"
WHERE input_policy <> 'untrusted' OR output_policy = 'trusted' ORDER BY tool_name
"""
_CONFIG = """
SELECT param_name, param_value::text AS param_value FROM "LiteLLM_Config" WHERE param_name = ANY ($1)
UNION ALL SELECT id, sso_settings::text FROM "LiteLLM_SSOConfig" WHERE id = 'sso_config'
UNION ALL SELECT id, ui_settings::text FROM "LiteLLM_UISettings" WHERE id = 'ui_settings'
UNION ALL SELECT config_type, config_value::text FROM "LiteLLM_ConfigOverrides" WHERE config_type = ANY ($2)
ORDER BY param_name
"""
_SECTIONS = [*LIVE_FIELDS, VARIABLES, PRICES_ROW]
_STAMP = """
UPDATE "LiteLLM_Config" SET param_value = jsonb_set(param_value, '{reloaded_at}', to_jsonb($2::text))
WHERE param_name = $1 AND param_value ->> 'reloaded_at' IS NOT DISTINCT FROM $3 RETURNING 1
"""


class CredentialRow(msgspec.Struct, frozen=True, kw_only=True):
    """A named credential as it stands in the database: JSON as text, values encrypted."""

    credential_name: str
    credential_values: str
    credential_info: str | None
    updated_at: datetime

    __repr__ = object.__repr__


class PolicyRow(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a policy as it stands in the database: JSON as text."""

    policy_id: str
    policy_name: str
    version_status: str
    inherit: str | None
    description: str | None
    guardrails_add: list[str] | None
    guardrails_remove: list[str] | None
    condition: str | None
    pipeline: str | None


class AttachmentRow(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment of a policy as it stands in the database."""

    attachment_id: str
    policy_name: str
    scope: str | None
    teams: list[str] | None
    keys: list[str] | None
    models: list[str] | None
    tags: list[str] | None
    priority: int | None
    is_default: bool | None


class StoredRows(msgspec.Struct, frozen=True):
    """All rows that are served; equal when nothing has changed.

    `config` are sections, those two rows and those of secret managers, with JSON as text.
    """

    models: tuple[ModelRow, ...]
    credentials: tuple[CredentialRow, ...]
    config: tuple[tuple[str, str | None], ...] = ()
    guardrails: tuple[GuardrailRow, ...] = ()
    policies: tuple[PolicyRow, ...] = ()
    attachments: tuple[AttachmentRow, ...] = ()
    tools: tuple[tuple[str, str, str], ...] = ()
    mcp_servers: tuple[McpServerRow, ...] = ()
    toolsets: tuple[tuple[str, str, str], ...] = ()

    __repr__ = object.__repr__


class ModelStore:
    """Reads the tables whole: they hold what the operator configures, hundreds of rows."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> StoredRows:
        """All rows; a credential that a model names is never older than it. Raises DatabaseUnavailable."""
        models = await self._database.fetch(_MODELS)
        credentials = await self._database.fetch(_CREDENTIALS)
        guardrails = await self._database.fetch(_GUARDRAILS)
        policies = await self._database.fetch(_POLICIES)
        attachments = await self._database.fetch(_ATTACHMENTS)
        tools = await self._database.fetch(_TOOLS)
        servers = await self._database.fetch(_MCP_SERVERS)
        toolsets = await self._database.fetch(_TOOLSETS)
        config = await self._database.fetch(_CONFIG, _SECTIONS, list(MANAGERS))
        return StoredRows(
            tuple(ModelRow(**dict(row)) for row in models),
            tuple(CredentialRow(**dict(row)) for row in credentials),
            tuple((row["param_name"], row["param_value"]) for row in config),
            tuple(GuardrailRow(**dict(row)) for row in guardrails),
            tuple(PolicyRow(**dict(row)) for row in policies),
            tuple(AttachmentRow(**dict(row)) for row in attachments),
            tuple((row["tool_name"], row["input_policy"], row["output_policy"]) for row in tools),
            tuple(McpServerRow(**dict(row)) for row in servers),
            tuple((row["toolset_id"], row["toolset_name"], row["tools"]) for row in toolsets),
        )

    async def begin_reload(self, former: str | None, stamp: str) -> bool:
        """Write down that prices are read anew, unless another worker has; whether this one is to tell.

        Raises DatabaseUnavailable.
        """
        return bool(await self._database.fetch(_STAMP, PRICES_ROW, stamp, former))
