"""The bodies of changing the settings of secret managers, with the contract's names."""

import msgspec

__all__ = ["ConjurRequest", "VaultRequest"]


class VaultRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /config_overrides/hashicorp_vault`: what is sent changes, null or empty takes a member away."""

    vault_addr: str | None = None
    vault_token: str | None = None
    approle_role_id: str | None = None
    approle_secret_id: str | None = None
    approle_mount_path: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    vault_cert_role: str | None = None
    vault_namespace: str | None = None
    vault_login_namespace: str | None = None
    vault_secret_namespace: str | None = None
    vault_mount_name: str | None = None
    vault_path_prefix: str | None = None

    __repr__ = object.__repr__


class ConjurRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /config_overrides/cyberark`: what is sent changes, null or empty takes a member away."""

    cyberark_api_base: str | None = None
    cyberark_account: str | None = None
    cyberark_username: str | None = None
    cyberark_api_key: str | None = None
    client_cert: str | None = None
    client_key: str | None = None
    ssl_verify: str | None = None
    refresh_interval: str | None = None

    __repr__ = object.__repr__
