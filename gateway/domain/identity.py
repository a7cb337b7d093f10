"""Who is calling: the Principal, in which everything about a credential is already joined."""

from enum import StrEnum

import msgspec

from gateway.domain.limits import Limit, Scope
from gateway.domain.permissions import AccessGroup, ObjectPermission

__all__ = ["AgentRules", "ModelGrant", "Principal", "Role", "Subject"]


class Role(StrEnum):
    """The role of a user, with the contract's spelling."""

    PROXY_ADMIN = "proxy_admin"
    PROXY_ADMIN_VIEWER = "proxy_admin_viewer"
    ORG_ADMIN = "org_admin"
    INTERNAL_USER = "internal_user"
    INTERNAL_USER_VIEWER = "internal_user_viewer"
    TEAM = "team"
    CUSTOMER = "customer"


class ModelGrant(msgspec.Struct, frozen=True):
    """Which models one object on the request (its key, team, user, ...) may use; empty means every model.

    `group_models` are those of its unified access groups, which are asked only after `models` denied.
    """

    owner: Scope
    models: frozenset[str]
    group_models: frozenset[str] = frozenset()


class AgentRules(msgspec.Struct, frozen=True, kw_only=True):
    """What an agent demands: a trace id on every request, and limits for each of its sessions by itself."""

    requires_trace_id: bool = False
    session_rpm: int | None = None
    session_tpm: int | None = None


class Subject(msgspec.Struct, frozen=True, kw_only=True, weakref=True):
    """An object that the request itself names and that restricts it: end user, tag, agent or its session.

    What restricts nothing is no subject. `limits` are claimed beside the Principal's own, and what the
    request costs settles on `scope` too. `grants` are its lists of models, `allowed_region` the region (`eu`,
    `us`) whose deployments may answer, `default_model` the one to use where the asked one has none there.
    """

    scope: Scope
    name: str = ""
    limits: tuple[Limit, ...] = ()
    grants: tuple[ModelGrant, ...] = ()
    is_blocked: bool = False
    allowed_region: str | None = None
    default_model: str | None = None
    permission: ObjectPermission | None = None
    groups: tuple[str, ...] = ()
    """The access groups that an agent is in."""
    agent_rules: AgentRules | None = None
    unreadable: tuple[str, ...] = ()
    """Settings of it that are stored and cannot be read: nothing is allowed."""


class Principal(msgspec.Struct, frozen=True, kw_only=True, weakref=True):
    """A caller.

    `token_hash` is the SHA-256 of the key in hex. `expires_nanos` is nanoseconds since 1970. `grants` and
    `limits` list every object that the key belongs to, so that a check is a loop and never a look-up.
    `role` is None for a key without a user: it may call models and ask about itself.
    """

    token_hash: str
    key_name: str | None = None
    key_alias: str | None = None
    user_id: str | None = None
    user_email: str | None = None
    team_id: str | None = None
    team_alias: str | None = None
    organization_id: str | None = None
    project_id: str | None = None
    project_alias: str | None = None
    agent_id: str | None = None
    role: Role | None = None
    is_blocked: bool = False
    blocked_owner: Scope | None = None
    expires_nanos: int | None = None
    allowed_routes: tuple[str, ...] = ()
    grants: tuple[ModelGrant, ...] = ()
    limits: tuple[Limit, ...] = ()
    aliases: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    team_aliases: dict[str, str] = msgspec.field(default_factory=dict[str, str])
    metadata: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    team_metadata: dict[str, object] = msgspec.field(default_factory=dict[str, object])
    scopes: tuple[Scope, ...] = ()
    """Every object whose spend grows with this caller's requests, the key first."""
    permissions: tuple[ObjectPermission, ...] = ()
    """The object permission (MCP servers, agents, vector stores, ...) of each object that has one."""
    access_groups: tuple[AccessGroup, ...] = ()
    """The unified access groups of key and team."""
    unreadable: tuple[tuple[Scope, str], ...] = ()
    """Settings that are stored and cannot be read: they may be restrictions, so nothing is allowed."""
    budget_fallbacks: dict[str, tuple[str, ...]] = msgspec.field(default_factory=dict[str, tuple[str, ...]])
    """The models that the key uses in the place of one whose own budget is used up."""
    cache_controls: tuple[str, ...] = ()
    """The members of `cache` that a request may set; empty means all."""
    tag_subjects: dict[str, Subject] = {}
    """Tags for which key or user have limits of their own, with these limits."""
    mcp_limits: dict[str, tuple[Limit, ...]] = {}
    """Limits of key, team and user on MCP servers, by the name that they have for the server; whoever serves
    MCP claims them (`gateway.sdk.limits`)."""
    agent_rules: AgentRules | None = None
    """What the key's agent demands of requests, if it demands anything."""
    guardrails: tuple[str, ...] = ()
    """The guardrails of its key, user, team, project and organization."""
    policies: tuple[str, ...] = ()
    """The policies of guardrails of the same."""
    is_deactivated: bool = False
    """Whether the key's user was deactivated by the directory that provisions users."""
    changed_by: str | None = None
    """Whom the caller of a management route says it acts for; unverified, and for the audit trail only."""
    end_user_id: str | None = None
    """The end user whom the credential itself names; it wins over what a request says."""
    client_application: str | None = None
    """The application that the credential itself names: empty where it ought to name one and does not, None
    where nothing is to be read of it in credentials of this kind."""
    alternatives: tuple["Principal", ...] = ()
    """The same caller as a member of its other teams: the first that may use a model asks for it."""

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything."""
        return self.role is Role.PROXY_ADMIN
