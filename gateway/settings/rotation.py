"""When keys with `auto_rotate` get another secret: LiteLLM's variables of the environment."""

from collections.abc import Mapping

import msgspec

from gateway.settings.node import Node
from gateway.settings.readers import Reader, read_boolean, read_fields, read_seconds

__all__ = ["KeyRotationSettings", "read_rotation_settings"]

_READERS: Mapping[str, tuple[str, Reader]] = {
    "LITELLM_KEY_ROTATION_ENABLED": ("is_enabled", read_boolean),
    "LITELLM_KEY_ROTATION_CHECK_INTERVAL_SECONDS": ("check_seconds", read_seconds),
    "LITELLM_KEY_ROTATION_GRACE_PERIOD": ("grace_seconds", read_seconds),
}


class KeyRotationSettings(msgspec.Struct, frozen=True, kw_only=True):
    """`check_seconds` is how often keys that are due are looked for, at least."""

    is_enabled: bool = False
    check_seconds: float = 86_400.0
    grace_seconds: float = 86_400.0
    """How long the old secret stays good."""


def read_rotation_settings(environ: Mapping[str, str]) -> KeyRotationSettings:
    """Read the variables; raises ConfigError for a value that cannot be."""
    given = {
        name: Node(environ[name], "environment", 1, name, is_from_environment=True)
        for name in _READERS
        if environ.get(name)
    }
    return msgspec.structs.replace(KeyRotationSettings(), **read_fields(given, _READERS))
