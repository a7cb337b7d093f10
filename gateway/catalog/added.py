"""Models, credentials, guardrails and policies that stand in the database and not in the configuration."""

from datetime import datetime

import msgspec

from gateway.catalog.price_schedule import PriceSchedule
from gateway.domain import McpServerRecord, McpShelf
from gateway.settings import Credential, ModelEntry
from gateway.settings.guardrails import GuardrailEntry
from gateway.settings.overlay import Overlay
from gateway.settings.policies import AttachmentEntry, PolicyEntry

__all__ = [
    "NOTHING_ADDED",
    "AddedAttachment",
    "AddedGuardrail",
    "AddedMcpServer",
    "AddedModel",
    "AddedModels",
    "AddedPolicy",
    "GuardrailRow",
    "McpServerRow",
    "ModelRow",
]


class ModelRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the database as it stands there: JSON as text, secrets encrypted. Never shown."""

    model_id: str
    model_name: str
    litellm_params: str
    model_info: str | None
    is_blocked: bool
    created_at: datetime
    created_by: str
    updated_at: datetime
    updated_by: str

    __repr__ = object.__repr__


class AddedModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model of the database. `entry` is None for a row that cannot be read; `fault` says what is wrong.

    `is_tenants` marks a model that somebody wrote who does not administer the gateway: it gets nothing of the
    operator's. A blocked one is known and not served.
    """

    row: ModelRow
    entry: ModelEntry | None
    fault: str = ""
    is_tenants: bool = False
    is_blocked: bool = False


class GuardrailRow(msgspec.Struct, frozen=True, kw_only=True):
    """A guardrail of the database as it stands there: JSON as text, secrets encrypted. Never shown."""

    guardrail_id: str
    guardrail_name: str
    litellm_params: str
    guardrail_info: str | None
    created_at: datetime
    updated_at: datetime

    __repr__ = object.__repr__


class AddedGuardrail(msgspec.Struct, frozen=True, kw_only=True):
    """A guardrail of the database; `fault` says why it cannot be read, and `entry` then only whose it is."""

    row: GuardrailRow
    entry: GuardrailEntry
    fault: str = ""


class McpServerRow(msgspec.Struct, frozen=True, kw_only=True):
    """An MCP server of the database as it stands there: columns as JSON, secrets encrypted. Never shown."""

    server_id: str
    columns: str

    __repr__ = object.__repr__


class AddedMcpServer(msgspec.Struct, frozen=True, kw_only=True):
    """An MCP server of the database; `record` is None for a row that cannot be read, and `fault` says why."""

    row: McpServerRow
    record: McpServerRecord | None
    fault: str = ""


class AddedPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy of the database: its version in production, else the latest, which then `is_live` not.

    `fault` says why it cannot be read, and `entry` then only its name.
    """

    policy_id: str
    entry: PolicyEntry
    is_live: bool
    fault: str = ""


class AddedAttachment(msgspec.Struct, frozen=True, kw_only=True):
    """An attachment of the database; with a `fault` it concerns everything."""

    entry: AttachmentEntry
    fault: str = ""


class AddedModels(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the database adds; `faults` are what cannot be read of credentials, by their names."""

    models: tuple[AddedModel, ...] = ()
    credentials: dict[str, Credential] = {}
    guardrails: tuple[AddedGuardrail, ...] = ()
    policies: tuple[AddedPolicy, ...] = ()
    attachments: tuple[AddedAttachment, ...] = ()
    mcp_servers: tuple[AddedMcpServer, ...] = ()
    mcp: McpShelf = McpShelf()
    """What is served of them, and toolsets: the same object as long as nothing changes."""
    tools: tuple[tuple[str, str, str], ...] = ()
    """Tools of whose input or output something is said: name, policy of the input, of the output."""
    faults: dict[str, str] = {}
    overlay: Overlay = {}
    """Settings that win over the configuration file's."""
    sso: dict[str, object] = {}
    """Settings of the identity provider, decrypted: never shown."""
    ui: dict[str, object] = {}
    """Settings of a console."""
    prices: PriceSchedule = PriceSchedule()
    """When prices are read anew."""
    managers: dict[str, dict[str, object]] = {}
    """Settings of secret managers, decrypted: never shown."""

    __repr__ = object.__repr__


NOTHING_ADDED = AddedModels()
