"""The members of the settings of secret managers: what they mean, and how they are shown."""

from collections.abc import Mapping

from gateway.inventory.masking import mask_text
from gateway.settings.secret_managers import CYBERARK, VAULT

__all__ = ["ADDRESSES", "SECRETS", "describe_manager", "show_manager"]

ADDRESSES = ("vault_addr", "cyberark_api_base")
"""Members that say where secrets are sent."""
SECRETS = ("vault_token", "approle_secret_id", "cyberark_api_key")
"""Members that are never shown."""

_MEANINGS: Mapping[str, Mapping[str, str]] = {
    VAULT: {
        "vault_addr": "Where Vault is: https://host:8200.",
        "vault_token": "A token; it wins over an AppRole.",
        "approle_role_id": "The id of an AppRole to log in with.",
        "approle_secret_id": "The secret of the AppRole.",
        "approle_mount_path": "Where the AppRole is mounted; approle.",
        "vault_namespace": "The namespace, of logging in and of secrets.",
        "vault_login_namespace": "The namespace of logging in, if it is another one.",
        "vault_secret_namespace": "The namespace of secrets, if it is another one.",
        "vault_mount_name": "Where the key-value store (version 2) is mounted; secret.",
        "vault_path_prefix": "What stands before the names of secrets.",
    },
    CYBERARK: {
        "cyberark_api_base": "Where Conjur is: https://host.",
        "cyberark_account": "The account.",
        "cyberark_username": "Who logs in, such as host/gateway.",
        "cyberark_api_key": "The key to log in with.",
    },
}


def describe_manager(kind: str) -> dict[str, object]:
    """Every member that can be set, with its meaning."""
    properties = {
        name: {"type": "string", "description": meaning} for name, meaning in _MEANINGS[kind].items()
    }
    return {"description": "Where secrets are read that are no variables.", "properties": properties}


def show_manager(kind: str, stored: Mapping[str, object]) -> dict[str, object]:
    """Every member with its value; secrets are masked."""
    return {name: _shown(name, stored.get(name)) for name in _MEANINGS[kind]}


def _shown(name: str, value: object) -> object:
    return mask_text(value) if name in SECRETS and isinstance(value, str) else value
