"""The identity provider at which people log in: LiteLLM's variables of the environment."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from gateway.domain import Secret
from gateway.errors import ConfigError

__all__ = ["PROVIDERS", "SsoSettings", "read_sso_settings"]

_ENDPOINTS = ("AUTHORIZATION_ENDPOINT", "TOKEN_ENDPOINT", "USERINFO_ENDPOINT")
_MANY_TENANTS = frozenset({"common", "organizations", "consumers"})
_ON = frozenset({"true", "1", "yes", "on"})
_OFF = frozenset({"", "false", "0", "no", "off"})
_SCOPE = "openid email profile"


class SsoSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One provider, and whom of its users the gateway lets in.

    It has an `issuer`, whose discovery document has everything else, or three endpoints (for authorization,
    tokens and user info).
    """

    provider: str
    client_id: str
    client_secret: Secret
    issuer: str = ""
    endpoints: tuple[str, ...] = ()
    scope: str = _SCOPE
    id_claim: str = "sub"
    email_claim: str = "email"
    role_claim: str = ""
    allowed_domains: frozenset[str] = frozenset()
    """`ALLOWED_EMAIL_DOMAINS`, in lower case; empty lets in everybody whom the provider lets in."""
    admin_id: str = ""
    """`PROXY_ADMIN_ID`: who of its users becomes a proxy_admin."""
    admin_email: str = ""
    """`PROXY_ADMIN_EMAIL`, in lower case: whose address, verified by the provider, makes a proxy_admin."""
    trusts_addresses: bool = False
    """`SSO_TRUST_EMAIL`: whether an address of which the provider does not say whether it is verified is."""
    may_be_tried: bool = False
    """`SSO_DEBUG`: whether somebody may see at `/sso/debug/login` what the provider says of them."""


def read_sso_settings(environ: Mapping[str, str]) -> SsoSettings | None:
    """The first provider of which there is a client id, or None; raises ConfigError."""
    for name, read in _READERS.items():
        if environ.get(f"{name}_CLIENT_ID"):
            settings = read(environ)
            break
    else:
        return None
    if not environ.get("PROXY_BASE_URL"):
        raise ConfigError(
            "Say where browsers reach the gateway: the provider sends them back there.", path="PROXY_BASE_URL"
        )
    domains = environ.get("ALLOWED_EMAIL_DOMAINS", "").lower().split(",")
    return msgspec.structs.replace(
        settings,
        allowed_domains=frozenset(domain.strip() for domain in domains if domain.strip()),
        admin_id=environ.get("PROXY_ADMIN_ID", ""),
        admin_email=environ.get("PROXY_ADMIN_EMAIL", "").strip().lower(),
        trusts_addresses=settings.trusts_addresses or _is_on(environ, "SSO_TRUST_EMAIL"),
        may_be_tried=_is_on(environ, "SSO_DEBUG"),
    )


def _google(environ: Mapping[str, str]) -> SsoSettings:
    return _with_issuer("google", "GOOGLE", environ, "https://accounts.google.com")


def _microsoft(environ: Mapping[str, str]) -> SsoSettings:
    tenant = _needed(environ, "MICROSOFT_TENANT")
    if "/" in tenant or tenant.lower() in _MANY_TENANTS:
        message = "Name one tenant: addresses of others are not proven, and anybody can make a tenant."
        raise ConfigError(message, path="MICROSOFT_TENANT")
    issuer = f"https://login.microsoftonline.com/{tenant}/v2.0"
    return msgspec.structs.replace(_with_issuer("microsoft", "MICROSOFT", environ, issuer), id_claim="oid")


def _github(environ: Mapping[str, str]) -> SsoSettings:
    return SsoSettings(
        provider="github",
        client_id=environ["GITHUB_CLIENT_ID"],
        client_secret=Secret(_needed(environ, "GITHUB_CLIENT_SECRET")),
        endpoints=(
            "https://github.com/login/oauth/authorize",
            "https://github.com/login/oauth/access_token",
            "https://api.github.com/user",
        ),
        scope="read:user user:email",
        id_claim="id",
        # GitHub lets its users show verified addresses only.
        trusts_addresses=True,
    )


def _okta(environ: Mapping[str, str]) -> SsoSettings:
    return _with_issuer("okta", "OKTA", environ, _address(environ, "OKTA_ISSUER"))


def _keycloak(environ: Mapping[str, str]) -> SsoSettings:
    return _with_issuer("keycloak", "KEYCLOAK", environ, _address(environ, "KEYCLOAK_ISSUER"))


def _generic(environ: Mapping[str, str]) -> SsoSettings:
    has_issuer = bool(environ.get("GENERIC_ISSUER"))
    names = () if has_issuer else tuple(f"GENERIC_{name}" for name in _ENDPOINTS)
    return SsoSettings(
        provider="generic",
        client_id=environ["GENERIC_CLIENT_ID"],
        client_secret=Secret(_needed(environ, "GENERIC_CLIENT_SECRET")),
        issuer=_address(environ, "GENERIC_ISSUER") if has_issuer else "",
        endpoints=tuple(_address(environ, name) for name in names),
        scope=environ.get("GENERIC_SCOPE") or _SCOPE,
        id_claim=environ.get("GENERIC_USER_ID_ATTRIBUTE") or "preferred_username",
        email_claim=environ.get("GENERIC_USER_EMAIL_ATTRIBUTE") or "email",
        role_claim=environ.get("GENERIC_USER_ROLE_ATTRIBUTE") or "role",
    )


def _with_issuer(provider: str, prefix: str, environ: Mapping[str, str], issuer: str) -> SsoSettings:
    return SsoSettings(
        provider=provider,
        client_id=environ[f"{prefix}_CLIENT_ID"],
        client_secret=Secret(_needed(environ, f"{prefix}_CLIENT_SECRET")),
        issuer=issuer,
    )


def _is_on(environ: Mapping[str, str], name: str) -> bool:
    value = environ.get(name, "").strip().lower()
    if value not in {*_ON, *_OFF}:
        raise ConfigError("Expected true or false.", path=name, allowed=("true", "false"))
    return value in _ON


def _needed(environ: Mapping[str, str], name: str) -> str:
    value = environ.get(name, "").strip()
    if not value:
        raise ConfigError("The identity provider cannot be asked without it.", path=name)
    return value


def _address(environ: Mapping[str, str], name: str) -> str:
    url = _needed(environ, name)
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname or not url.isascii():
        raise ConfigError("Expected an address that begins with https:// or http://.", path=name)
    return url


_READERS = {
    "GOOGLE": _google,
    "MICROSOFT": _microsoft,
    "GITHUB": _github,
    "OKTA": _okta,
    "KEYCLOAK": _keycloak,
    "GENERIC": _generic,
}

PROVIDERS = tuple(_READERS)
"""The beginnings of the variables of each provider, in the order in which they are looked at."""
