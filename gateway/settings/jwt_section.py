"""Read `enable_jwt_auth` and `litellm_jwtauth`, in which every unknown key is refused."""

import difflib
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from gateway.domain import Role
from gateway.errors import ConfigError
from gateway.settings.faults import Faults
from gateway.settings.jwt import (
    ClaimFields,
    JwtIssuer,
    JwtSettings,
    RoleMapping,
    ScopeMapping,
    UserRoleMapping,
)
from gateway.settings.node import Node, config_error, describe
from gateway.settings.readers import (
    Reader,
    one_of,
    read_boolean,
    read_each,
    read_fields,
    read_items,
    read_mapping,
    read_members,
    read_seconds,
    read_text,
    read_texts,
)

__all__ = ["FIELD_READERS", "ISSUER_READERS", "JWT_READERS", "read_jwt_settings"]

_DISCOVERY = "/.well-known/openid-configuration"
_ROLES = (Role.PROXY_ADMIN, Role.TEAM, Role.INTERNAL_USER)
_USER_ROLES = (Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER)
_CODE = "The gateway runs no code of a configuration; write a plugin with an `authenticate` hook."
_USERINFO = "The gateway reads what a token says; map its claims, or have the provider put them in."
_REFUSED = {
    "custom_validate": _CODE,
    "oidc_userinfo_enabled": _USERINFO,
    "oidc_userinfo_endpoint": _USERINFO,
    "routing_overrides": "Tokens are not introspected; add the provider to `issuers`.",
    "public_allowed_routes": "Which routes need no credential is not a setting.",
}


def _read_path(node: Node) -> str:
    """The path of a claim. Raises ConfigError."""
    text = read_text(node)
    if not text.strip():
        raise config_error(node, "Expected the path of a claim, such as sub or realm_access.roles.")
    return text


_MAPPED = {
    **{f"{name}_jwt_field": name for name in ("user_id", "user_email", "team_id", "team_ids", "team_alias")},
    **{f"{name}_jwt_field": name for name in ("org_id", "org_alias", "end_user_id", "agent_id")},
    **{f"{name}_jwt_field": name for name in ("user_roles", "roles", "object_id", "mcp_client_id")},
    "virtual_key_claim_field": "virtual_key",
}
FIELD_READERS: Mapping[str, tuple[str, Reader]] = {
    name: (field, _read_path) for name, field in _MAPPED.items()
}
ISSUER_READERS: Mapping[str, tuple[str, Reader]] = {
    "issuer": ("issuer", read_text),
    "jwks_url": ("jwks_url", read_texts),
    "audience": ("audience", read_text),
    "disable_audience_validation": ("disable_audience_validation", read_boolean),
}


def _read_domain(node: Node) -> str:
    text = read_text(node).strip().lower()
    if "." not in text or "@" in text or " " in text:
        raise config_error(node, f"Expected a domain such as example.com, found {describe(node)}.")
    return text


def _read_role_mapping(node: Node) -> RoleMapping:
    members = _read_exactly(node, "role", "internal_role")
    role = one_of(*_ROLES)(members["internal_role"])
    return RoleMapping(role=read_text(members["role"]), internal_role=Role(role))


def _read_user_role(node: Node) -> UserRoleMapping:
    members = _read_exactly(node, "jwt_role", "litellm_role")
    role = one_of(*_USER_ROLES)(members["litellm_role"])
    return UserRoleMapping(jwt_role=read_text(members["jwt_role"]), litellm_role=Role(role))


def _read_scope(node: Node) -> ScopeMapping:
    members = _read_exactly(node, "scope", optional=("models", "routes"))
    lists = {name: read_texts(members[name]) for name in ("models", "routes") if name in members}
    return ScopeMapping(scope=read_text(members["scope"]), **lists)


def _list_of(read: Reader) -> Reader:
    return lambda node: tuple(read_each(read_items(node), read))


_PLAIN: Mapping[str, Reader] = {
    **dict.fromkeys(("leeway", "public_key_ttl", "public_key_stale_ttl"), read_seconds),
    **dict.fromkeys(("user_id_upsert", "team_id_upsert", "upsert_sso_user_to_team"), read_boolean),
    **dict.fromkeys(("enforce_rbac", "enforce_scope_based_access", "sync_user_role_and_teams"), read_boolean),
    "enforce_team_based_model_access": read_boolean,
    **dict.fromkeys(("team_claim_fallback", "fallback_to_db_teams"), read_boolean),
    "team_id_default": read_text,
    "user_allowed_email_domain": _read_domain,
    "user_allowed_roles": read_texts,
    "role_mappings": _list_of(_read_role_mapping),
    "scope_mappings": _list_of(_read_scope),
}
JWT_READERS: Mapping[str, tuple[str, Reader]] = {
    **{name: (name, read) for name, read in _PLAIN.items()},
    "admin_jwt_scope": ("admin_scope", read_text),
    "admin_allowed_routes": ("admin_routes", read_texts),
    "team_allowed_routes": ("team_routes", read_texts),
    "jwt_litellm_role_map": ("user_role_map", _list_of(_read_user_role)),
    "unregistered_jwt_client_behavior": (
        "unregistered_client",
        one_of("fallback_team_mapping", "reject", "auto_register"),
    ),
    "virtual_key_mapping_cache_ttl": ("key_mapping_ttl", read_seconds),
}


def read_jwt_settings(root: Node, environ: Mapping[str, str]) -> JwtSettings | None:
    """The settings of tokens, or None where `enable_jwt_auth` is not on. Raises ConfigError."""
    general = read_members(root.member("general_settings"))
    if "enable_jwt_auth" not in general or not read_boolean(general["enable_jwt_auth"]):
        return None
    node = general.get("litellm_jwtauth") or Node(
        {}, root.file, root.line, "general_settings.litellm_jwtauth"
    )
    members = read_mapping(node)
    _refuse_unknown(members, {*JWT_READERS, *FIELD_READERS, "issuers"})
    named = {
        **{key: general[key] for key in ("unregistered_jwt_client_behavior",) if key in general},
        **members,
    }
    fields = msgspec.structs.replace(ClaimFields(), **read_fields(members, FIELD_READERS))
    issuers = members.get("issuers")
    settings = JwtSettings(
        fields=fields,
        issuers=() if issuers is None else _read_issuers(issuers, fields),
        key_urls=_urls_of_environment(environ),
        audience=environ.get("JWT_AUDIENCE") or None,
        issuer=environ.get("JWT_ISSUER") or None,
        **read_fields(named, JWT_READERS),  # type: ignore[arg-type]  each reader gives its field's type
    )
    _check_together(node, settings)
    return settings


def _read_issuers(node: Node, general: ClaimFields) -> tuple[JwtIssuer, ...]:
    found: dict[str, JwtIssuer] = {}
    for item in read_items(node):
        entry = _read_issuer(item, general)
        if entry.issuer in found:
            raise config_error(item, f"The issuer '{entry.issuer}' has two entries.")
        found[entry.issuer] = entry
    return tuple(found.values())


def _read_issuer(node: Node, general: ClaimFields) -> JwtIssuer:
    members = read_mapping(node)
    _refuse_unknown(members, {*ISSUER_READERS, *FIELD_READERS})
    if "issuer" not in members:
        raise config_error(node, "Expected a mapping with 'issuer' and 'audience'.")
    given = read_fields(members, ISSUER_READERS)
    issuer, audience = str(given["issuer"]), given.get("audience")
    if bool(audience) == bool(given.get("disable_audience_validation")):
        message = (
            "Say either 'audience' or 'disable_audience_validation: true': without an audience, tokens that "
            "the provider made for other applications would be accepted."
        )
        raise config_error(node, message)
    urls = read_texts(members["jwks_url"]) if "jwks_url" in members else (issuer.rstrip("/") + _DISCOVERY,)
    for url in urls:
        if not _is_address(url):
            raise config_error(
                members.get("jwks_url", node), f"Expected an http(s) address, found '{url[:100]}'."
            )
    return JwtIssuer(
        issuer=issuer,
        key_urls=urls,
        audience=str(audience) if audience else None,
        takes_any_audience=not audience,
        fields=msgspec.structs.replace(general, **read_fields(members, FIELD_READERS)),
    )


def _urls_of_environment(environ: Mapping[str, str]) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in environ.get("JWT_PUBLIC_KEY_URL", "").split(",") if url.strip())
    for url in urls:
        if not _is_address(url):
            raise ConfigError(
                "Expected http(s) addresses, with commas between them.", path="JWT_PUBLIC_KEY_URL"
            )
    return urls


def _is_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname) and url.isascii() and " " not in url


def _check_together(node: Node, settings: JwtSettings) -> None:
    """What only makes sense beside something else; raises ConfigError for what would not restrict."""
    every = (settings.fields, *(issuer.fields for issuer in settings.issuers))
    needed: tuple[tuple[bool, str], ...] = (
        (bool(settings.issuers or settings.key_urls), "Name the provider: 'issuers', or JWT_PUBLIC_KEY_URL."),
        (
            not settings.user_allowed_roles or any(fields.user_roles for fields in every),
            "'user_allowed_roles' needs 'user_roles_jwt_field', which says where a token has its roles.",
        ),
        (
            not settings.user_allowed_email_domain or any(fields.user_email for fields in every),
            "'user_allowed_email_domain' needs 'user_email_jwt_field'.",
        ),
        (
            not settings.role_mappings or any(fields.roles for fields in every),
            "'role_mappings' needs 'roles_jwt_field', which says where a token has its roles.",
        ),
        (
            bool(settings.role_mappings) or not any(fields.object_id for fields in every),
            "'object_id_jwt_field' needs 'role_mappings', which say what the object is.",
        ),
        (
            bool(settings.scope_mappings) or not settings.enforce_scope_based_access,
            "'enforce_scope_based_access' needs 'scope_mappings'; without them nobody could do anything.",
        ),
    )
    for holds, message in needed:
        if not holds:
            raise config_error(node, message)


def _read_exactly(node: Node, *names: str, optional: tuple[str, ...] = ()) -> dict[str, Node]:
    members = read_mapping(node)
    _refuse_unknown(members, {*names, *optional})
    for name in names:
        if name not in members:
            raise config_error(node, f"'{name}' is missing.")
    return members


def _refuse_unknown(members: Mapping[str, Node], known: set[str]) -> None:
    """Raise ConfigErrors for keys that do not exist: each of these restricts, or says who somebody is."""
    faults = Faults()
    for name, child in members.items():
        if name in known:
            continue
        if name in _REFUSED:
            if child.value is not False:
                faults.add(config_error(child, f"'{name}' is not supported. {_REFUSED[name]}"))
            continue
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        faults.add(config_error(child, f"There is no key '{name}' here.{hint}", allowed=sorted(known)))
    faults.refuse()
