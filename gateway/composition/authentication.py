"""Chooses how callers are known: by their keys, and by tokens where the configuration has them."""

from importlib import import_module
from typing import Any, cast

from gateway.identity.hookimpls import KeyAuthentication
from gateway.identity.master import MasterKey
from gateway.runtime import Authentication, Parts
from gateway.settings import Settings, ensure_master_key

__all__ = ["build_authentication"]


def build_authentication(settings: Settings, parts: Parts) -> Authentication:
    """The hook `authenticate` of the core; raises ConfigError."""
    master = MasterKey(ensure_master_key(settings.environment).key)
    keys = KeyAuthentication(parts.principals, master, parts.clock, settings.general.key_header_name)
    if settings.jwt is None:
        return keys
    # The library of signatures costs 0.1 s to import: only a gateway that takes tokens pays for it.
    module: Any = import_module("gateway.identity.tokens.build")
    made = module.build_token_authentication(
        settings.jwt, keys, parts.principals, parts.database, parts.documents, parts.management, parts.clock
    )
    return cast("Authentication", made)  # an attribute of a module is Any
