"""Who is calling: the Principal, in which everything about a credential is already joined."""

from enum import StrEnum

import msgspec

from gateway.domain.limits import Limit, Scope

__all__ = ["ModelGrant", "Principal", "Role", "Subject"]


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
    """Which models one object on the request (its key, team, user, ...) may use; empty means every model."""

    owner: Scope
    models: frozenset[str]


class Principal(msgspec.Struct, frozen=True, kw_only=True):
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
    permission_ids: tuple[tuple[Scope, str], ...] = ()
    """The object permission row (MCP servers, agents, vector stores, ...) of each object that has one."""

    @property
    def is_admin(self) -> bool:
        """Whether the caller may do everything."""
        return self.role is Role.PROXY_ADMIN


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """An object that the request itself names and that restricts it: end user, tag, agent or its session.

    What restricts nothing is no subject. `limits` are claimed beside the Principal's own, and what the
    request costs settles on `scope` too. `grant` is the list of models, `allowed_region` the region (`eu`,
    `us`) whose deployments may answer, `default_model` the one to use where the asked one has none there.
    """

    scope: Scope
    name: str = ""
    limits: tuple[Limit, ...] = ()
    grant: ModelGrant | None = None
    is_blocked: bool = False
    allowed_region: str | None = None
    default_model: str | None = None
