"""What `general_settings.litellm_jwtauth` says about tokens of an identity provider."""

import msgspec

from gateway.domain import Role

__all__ = [
    "DEFAULT_ADMIN_ROUTES",
    "DEFAULT_TEAM_ROUTES",
    "ClaimFields",
    "JwtIssuer",
    "JwtSettings",
    "RoleMapping",
    "ScopeMapping",
    "UserRoleMapping",
]

DEFAULT_ADMIN_ROUTES = (
    "management_routes",
    "spend_tracking_routes",
    "global_spend_tracking_routes",
    "info_routes",
)
DEFAULT_TEAM_ROUTES = ("openai_routes", "info_routes", "/mcp", "/mcp/*", "/v1/messages", "/v1/messages/*")


class ClaimFields(msgspec.Struct, frozen=True, kw_only=True):
    """For each thing that a token can say, the path of the claim that says it; None reads nothing.

    A path is names joined by dots; a dot that belongs to a name is written with a backslash before it.
    """

    user_id: str | None = None
    user_email: str | None = None
    team_id: str | None = None
    team_ids: str | None = None
    team_alias: str | None = None
    org_id: str | None = None
    org_alias: str | None = None
    end_user_id: str | None = None
    agent_id: str | None = None
    user_roles: str | None = None
    roles: str | None = None
    object_id: str | None = None
    mcp_client_id: str | None = None
    """The application that a token was issued to, for `mcp_allowed_clients`."""
    virtual_key: str | None = None
    """`virtual_key_claim_field`: the claim whose value stands for a virtual key."""


class JwtIssuer(msgspec.Struct, frozen=True, kw_only=True):
    """One identity provider: tokens with exactly this `iss` are judged by this and by nothing else.

    `key_urls` are addresses of key sets or of discovery documents. `fields` are those of the entry, and the
    general ones where it names none.
    """

    issuer: str
    key_urls: tuple[str, ...]
    audience: str | None
    """What `aud` must be or contain; with None no token is accepted, unless `takes_any_audience`."""
    fields: ClaimFields
    takes_any_audience: bool = False
    """`disable_audience_validation`: also tokens that were made for other applications are accepted."""


class RoleMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One item of `role_mappings`: what a role of the provider means here."""

    role: str
    internal_role: Role


class UserRoleMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One item of `jwt_litellm_role_map`: the user's role that follows from the provider's, or a pattern."""

    jwt_role: str
    litellm_role: Role


class ScopeMapping(msgspec.Struct, frozen=True, kw_only=True):
    """One item of `scope_mappings`: the models and routes that a scope of the token opens."""

    scope: str
    models: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()


class JwtSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything about tokens; times are seconds. It exists only where `enable_jwt_auth` is on."""

    fields: ClaimFields = ClaimFields()
    issuers: tuple[JwtIssuer, ...] = ()
    key_urls: tuple[str, ...] = ()
    """`JWT_PUBLIC_KEY_URL`: key sets of the tokens whose issuer has no entry; empty refuses those."""
    audience: str | None = None
    """`JWT_AUDIENCE`: what `aud` of those tokens must contain."""
    issuer: str | None = None
    """`JWT_ISSUER`: what `iss` of those tokens must be."""
    leeway: float = 0.0
    public_key_ttl: float = 600.0
    public_key_stale_ttl: float = 3600.0
    admin_scope: str = "litellm_proxy_admin"
    admin_routes: tuple[str, ...] = DEFAULT_ADMIN_ROUTES
    team_routes: tuple[str, ...] = DEFAULT_TEAM_ROUTES
    team_id_default: str | None = None
    team_id_upsert: bool = False
    user_id_upsert: bool = False
    upsert_sso_user_to_team: bool = False
    user_allowed_email_domain: str | None = None
    user_allowed_roles: tuple[str, ...] = ()
    enforce_rbac: bool = False
    role_mappings: tuple[RoleMapping, ...] = ()
    user_role_map: tuple[UserRoleMapping, ...] = ()
    """`jwt_litellm_role_map`."""
    sync_user_role_and_teams: bool = False
    scope_mappings: tuple[ScopeMapping, ...] = ()
    enforce_scope_based_access: bool = False
    enforce_team_based_model_access: bool = False
    team_claim_fallback: bool = False
    fallback_to_db_teams: bool = False
    unregistered_client: str = "fallback_team_mapping"
    """`unregistered_jwt_client_behavior`: also `reject` and `auto_register`."""
    key_mapping_ttl: float = 300.0
    """`virtual_key_mapping_cache_ttl`."""
