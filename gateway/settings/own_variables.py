"""Variables of the gateway's own secrets, to which nothing that the database keeps may refer."""

import re

from gateway.errors import ConfigError
from gateway.settings.node import Node
from gateway.settings.references import REFERENCE_PREFIX

__all__ = ["refuse_own_secrets"]

# What the database keeps says where a value is sent as well. Whoever writes it administers the gateway by its
# API; these would give them the machine's database, and everything that is encrypted there.
_OWN_SECRETS = frozenset(
    {
        *("GATEWAY_MASTER_KEY", "LITELLM_MASTER_KEY", "GATEWAY_SALT_KEY", "LITELLM_SALT_KEY", "UI_PASSWORD"),
        *("DATABASE_URL", "DATABASE_DIRECT_URL", "DIRECT_URL", "DATABASE_PASSWORD", "PGPASSWORD"),
        *("REDIS_URL", "REDIS_PASSWORD", "SMTP_PASSWORD"),
        *("GOOGLE_CLIENT_SECRET", "MICROSOFT_CLIENT_SECRET", "GENERIC_CLIENT_SECRET"),
    }
)

_REFERENCE = re.compile(rf"{re.escape(REFERENCE_PREFIX)}([A-Za-z_][A-Za-z0-9_]*)")


def refuse_own_secrets(node: Node) -> None:
    """Raise ConfigError for a reference to one of these variables, naming its path.

    It may stand within a text, as in the header of a pass-through.
    """
    if isinstance(node.value, dict):
        for child in node.value.values():
            refuse_own_secrets(child)
    elif isinstance(node.value, list):
        for child in node.value:
            refuse_own_secrets(child)
    elif isinstance(node.value, str):
        name = next((name for name in _REFERENCE.findall(node.value) if name in _OWN_SECRETS), None)
        if name is not None:
            message = f"The variable '{name}' is the gateway's own secret; only its file may refer to it."
            raise ConfigError(message, path=node.path)
