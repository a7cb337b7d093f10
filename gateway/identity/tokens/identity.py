"""Who a token says that its bearer is: claims by the configured fields, and the rules on them."""

import hashlib
from fnmatch import fnmatchcase

import msgspec

from gateway.domain import Role
from gateway.errors import AuthenticationFailed, PermissionDenied
from gateway.identity.tokens.claims import Claims
from gateway.settings.jwt import ClaimFields, JwtSettings, RoleMapping

__all__ = ["TokenIdentity", "read_identity"]

_encode = msgspec.json.Encoder().encode


class TokenIdentity(msgspec.Struct, frozen=True, kw_only=True):
    """What a genuine token says. All tokens that say the same are one caller.

    `role` is what the token gives, None where the user's own row decides. `models` are those of its scopes,
    None where scopes restrict nothing; `routes` likewise. `key_claim` is the name and value of the claim
    that may stand for a virtual key.
    """

    issuer: str
    user_id: str | None = None
    user_email: str | None = None
    is_email_proven: bool = True
    """Whether the address suffices to be taken for the user who has it."""
    team_ids: tuple[str, ...] = ()
    lists_teams: bool = False
    """Whether the token has a list of teams, so that the user is in no others."""
    team_alias: str | None = None
    org_id: str | None = None
    org_alias: str | None = None
    end_user_id: str | None = None
    agent_id: str | None = None
    role: Role | None = None
    is_admin: bool = False
    models: tuple[str, ...] | None = None
    routes: tuple[str, ...] = ()
    key_claim: tuple[str, str] | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of all of it in hex: what the caller's requests are booked on in the place of a key."""
        return hashlib.sha256(b"jwt:" + _encode(self)).hexdigest()

    @property
    def names_team(self) -> bool:
        """Whether the token has a claim on a team."""
        return bool(self.team_ids) or self.team_alias is not None


def read_identity(issuer: str, claims: Claims, fields: ClaimFields, settings: JwtSettings) -> TokenIdentity:
    """Read who presents a token.

    Raises PermissionDenied where a rule of the configuration refuses it, AuthenticationFailed without the
    claim that stands for a key where nothing else is let in.
    """
    scopes = claims.words("scope", "scp")
    is_admin = settings.admin_scope in scopes
    mapped = _find_mapping(claims, fields, settings)
    team_ids, user_id = _team_ids(claims, fields), claims.text(fields.user_id)
    named = claims.text(fields.object_id) if mapped is not None else None
    if mapped is not None and named is not None:
        if mapped.internal_role is Role.TEAM:
            team_ids = (named, *team_ids)
        else:
            user_id = named
    email = _email(claims, fields)
    if not is_admin:
        _check_domain(email, settings)
        _check_roles(claims, fields, settings)
    models, routes = _of_scopes(scopes, settings)
    key_value = claims.text(fields.virtual_key)
    if fields.virtual_key is not None and key_value is None and settings.unregistered_client == "reject":
        raise AuthenticationFailed(
            f"Authentication Error, The token has no claim '{fields.virtual_key}', which names a key."
        )
    return TokenIdentity(
        issuer=issuer,
        user_id=user_id,
        user_email=email,
        team_ids=team_ids,
        lists_teams=bool(claims.texts(fields.team_ids)),
        team_alias=None if team_ids else claims.text(fields.team_alias),
        org_id=claims.text(fields.org_id),
        org_alias=claims.text(fields.org_alias),
        end_user_id=claims.text(fields.end_user_id),
        agent_id=claims.text(fields.agent_id),
        role=Role.PROXY_ADMIN if is_admin else _role(mapped, claims, fields, settings),
        is_admin=is_admin or (mapped is not None and mapped.internal_role is Role.PROXY_ADMIN),
        models=models,
        routes=routes,
        key_claim=None
        if fields.virtual_key is None or key_value is None
        else (fields.virtual_key, key_value),
    )


def _team_ids(claims: Claims, fields: ClaimFields) -> tuple[str, ...]:
    single = claims.first_text(fields.team_id)
    first = () if single is None else (single,)
    return tuple(dict.fromkeys((*first, *claims.texts(fields.team_ids))))


def _email(claims: Claims, fields: ClaimFields) -> str | None:
    """The address, unless the provider says that nobody proved to own it."""
    is_doubtful = claims.find("email_verified") in (False, "false")
    return None if is_doubtful else claims.text(fields.user_email)


def _find_mapping(claims: Claims, fields: ClaimFields, settings: JwtSettings) -> RoleMapping | None:
    roles = set(claims.texts(fields.roles))
    return next((mapping for mapping in settings.role_mappings if mapping.role in roles), None)


def _role(
    mapped: RoleMapping | None, claims: Claims, fields: ClaimFields, settings: JwtSettings
) -> Role | None:
    if mapped is not None:
        return mapped.internal_role
    if settings.enforce_rbac:
        return _role_by_shape(claims, fields, settings)
    held = claims.texts(fields.user_roles)
    for entry in settings.user_role_map:
        if any(fnmatchcase(role, entry.jwt_role) for role in held):
            return entry.litellm_role
    return None


def _role_by_shape(claims: Claims, fields: ClaimFields, settings: JwtSettings) -> Role:
    """The role of a token that names a team or a user, where no mapping of roles decides."""
    if not settings.role_mappings:
        if _team_ids(claims, fields) or claims.text(fields.team_alias):
            return Role.TEAM
        if claims.text(fields.user_id):
            return Role.INTERNAL_USER
    raise PermissionDenied(
        "Unmatched token passed in. enforce_rbac is set to True. Token must belong to a proxy admin, team, "
        "or user."
    )


def _check_domain(email: str | None, settings: JwtSettings) -> None:
    wanted = settings.user_allowed_email_domain
    if wanted is None:
        return
    domain = (email or "").rpartition("@")[2].lower()
    if domain != wanted or email is None:
        raise PermissionDenied(
            "This gateway admits users by the domain of their address, and the token has no proven address "
            "of an admitted one.",
            param="user_allowed_email_domain",
        )


def _check_roles(claims: Claims, fields: ClaimFields, settings: JwtSettings) -> None:
    wanted = settings.user_allowed_roles
    if wanted and not set(wanted) & set(claims.texts(fields.user_roles)):
        raise PermissionDenied(
            "The token has none of the roles that may use this gateway. Ask its administrator for one.",
            param="user_allowed_roles",
        )


def _of_scopes(
    scopes: frozenset[str], settings: JwtSettings
) -> tuple[tuple[str, ...] | None, tuple[str, ...]]:
    """The models and routes that the scopes open together; a token without a mapped scope opens none."""
    if not settings.enforce_scope_based_access:
        return None, ()
    held = [mapping for mapping in settings.scope_mappings if mapping.scope in scopes]
    models = dict.fromkeys(model for mapping in held for model in mapping.models)
    return tuple(models), tuple(dict.fromkeys(route for mapping in held for route in mapping.routes))
