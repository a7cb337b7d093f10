"""Where secrets are kept outside the gateway: settings of HashiCorp Vault and of CyberArk Conjur."""

from collections.abc import Mapping

import msgspec

from gateway.domain import Secret
from gateway.errors import ConfigError

__all__ = [
    "CYBERARK",
    "MANAGERS",
    "VAULT",
    "ConjurSettings",
    "VaultSettings",
    "read_conjur",
    "read_vault",
]

VAULT, CYBERARK = "hashicorp_vault", "cyberark"
MANAGERS = (VAULT, CYBERARK)
"""The keys of the rows, in the order in which they are asked."""

_NO_CERTIFICATES = "This gateway shows no certificate of its own; use a token or AppRole."
_VERIFIED = "Certificates are always verified; leave it out."
_NAMED = "Set it, or leave out what needs it."


class VaultSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One Vault with a key-value store of version 2; a token, or an AppRole to log in with."""

    address: str
    token: Secret | None = None
    role_id: str = ""
    role_secret: Secret | None = None
    role_mount: str = "approle"
    login_namespace: str = ""
    secret_namespace: str = ""
    mount: str = "secret"
    prefix: str = ""


class ConjurSettings(msgspec.Struct, frozen=True, kw_only=True):
    """One Conjur, and who reads there."""

    address: str
    account: str
    username: str
    api_key: Secret


def read_vault(members: Mapping[str, str]) -> VaultSettings:
    """The settings of the contract's members. Raises ConfigError, whose path is the member."""
    for name in ("client_cert", "client_key", "vault_cert_role"):
        if members.get(name):
            raise ConfigError(_NO_CERTIFICATES, path=name)
    token, role = members.get("vault_token", ""), members.get("approle_role_id", "")
    if not token and not role:
        raise ConfigError("Set a token, or an AppRole.", path="vault_token")
    namespace = members.get("vault_namespace", "")
    return VaultSettings(
        address=_address(members, "vault_addr"),
        token=Secret(token) if token else None,
        role_id=role,
        role_secret=None if token else Secret(_needed(members, "approle_secret_id")),
        role_mount=_path(members, "approle_mount_path", "approle"),
        login_namespace=_path(members, "vault_login_namespace", namespace),
        secret_namespace=_path(members, "vault_secret_namespace", namespace),
        mount=_path(members, "vault_mount_name", "secret"),
        prefix=_path(members, "vault_path_prefix", ""),
    )


def read_conjur(members: Mapping[str, str]) -> ConjurSettings:
    """The settings of the contract's members. Raises ConfigError, whose path is the member."""
    for name in ("client_cert", "client_key"):
        if members.get(name):
            raise ConfigError(_NO_CERTIFICATES, path=name)
    if members.get("ssl_verify", "true").lower() not in {"true", "1"}:
        raise ConfigError(_VERIFIED, path="ssl_verify")
    return ConjurSettings(
        address=_address(members, "cyberark_api_base"),
        account=_needed(members, "cyberark_account"),
        username=_needed(members, "cyberark_username"),
        api_key=Secret(_needed(members, "cyberark_api_key")),
    )


def _address(members: Mapping[str, str], name: str) -> str:
    address = _needed(members, name).rstrip("/")
    if not address.startswith(("https://", "http://")) or "@" in address or "?" in address:
        raise ConfigError("Expected an address: https://host:port.", path=name)
    return address


def _needed(members: Mapping[str, str], name: str) -> str:
    value = members.get(name, "")
    if not value:
        raise ConfigError(_NAMED, path=name)
    return _printable(value, name)


def _path(members: Mapping[str, str], name: str, usual: str) -> str:
    """A path within the manager, without slashes at its ends."""
    path = _printable(members.get(name) or usual, name).strip("/")
    if ".." in path or any(char in path for char in "?#%\\ "):
        raise ConfigError("Expected a path of names with slashes between them.", path=name)
    return path


def _printable(value: str, name: str) -> str:
    if not value.isascii() or not value.isprintable():
        raise ConfigError("Expected printable ASCII characters.", path=name)
    return value
