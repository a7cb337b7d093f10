"""What the audit trail is told: one change of one row."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import msgspec

__all__ = ["Action", "Audited", "Change", "created", "deleted", "updated"]


class Action(StrEnum):
    """What was done, with the contract's spelling."""

    CREATED = "created"
    UPDATED = "updated"
    DELETED = "deleted"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    ROTATED = "rotated"


class Audited(StrEnum):
    """The tables whose rows people change; entries name them as the database does."""

    ACCESS_GROUP = "LiteLLM_AccessGroupTable"
    AGENT = "LiteLLM_AgentsTable"
    BUDGET = "LiteLLM_BudgetTable"
    CACHE_CONFIG = "LiteLLM_CacheConfig"
    CONFIG = "LiteLLM_Config"
    CONFIG_OVERRIDES = "LiteLLM_ConfigOverrides"
    CREDENTIAL = "LiteLLM_CredentialsTable"
    CUSTOMER = "LiteLLM_EndUserTable"
    GUARDRAIL = "LiteLLM_GuardrailsTable"
    INVITATION = "LiteLLM_InvitationLink"
    JWT_KEY_MAPPING = "LiteLLM_JWTKeyMapping"
    KEY = "LiteLLM_VerificationToken"
    MCP_SERVER = "LiteLLM_MCPServerTable"
    MCP_TOOLSET = "LiteLLM_MCPToolsetTable"
    MCP_USER_CREDENTIAL = "LiteLLM_MCPUserCredentials"
    MODEL = "LiteLLM_ProxyModelTable"
    OBJECT_PERMISSION = "LiteLLM_ObjectPermissionTable"
    ORGANIZATION = "LiteLLM_OrganizationTable"
    ORGANIZATION_MEMBER = "LiteLLM_OrganizationMembership"
    POLICY = "LiteLLM_PolicyTable"
    POLICY_ATTACHMENT = "LiteLLM_PolicyAttachmentTable"
    PROJECT = "LiteLLM_ProjectTable"
    SSO_CONFIG = "LiteLLM_SSOConfig"
    TAG = "LiteLLM_TagTable"
    TEAM = "LiteLLM_TeamTable"
    TEAM_MEMBER = "LiteLLM_TeamMembership"
    TOOL = "LiteLLM_ToolTable"
    UI_SETTINGS = "LiteLLM_UISettings"
    USER = "LiteLLM_UserTable"
    USER_NOTIFICATION = "LiteLLM_UserNotifications"


class Change(msgspec.Struct, frozen=True):
    """One row before and after; secrets in them are masked when they are written.

    `object_id` is the row's key (for a key its hash); of a membership `<user>:<team or organization>`.
    """

    action: Action
    table: Audited
    object_id: str
    before: Mapping[str, Any] | None = None
    after: Mapping[str, Any] | None = None


def created(table: Audited, object_id: str, row: Mapping[str, Any]) -> Change:
    """A new row."""
    return Change(Action.CREATED, table, object_id, None, row)


def updated(table: Audited, object_id: str, before: Mapping[str, Any], after: Mapping[str, Any]) -> Change:
    """A row that changed."""
    return Change(Action.UPDATED, table, object_id, before, after)


def deleted(table: Audited, object_id: str, row: Mapping[str, Any]) -> Change:
    """A row that is gone."""
    return Change(Action.DELETED, table, object_id, row, None)
