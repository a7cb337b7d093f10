"""Chooses how callers are known: by their keys, and by tokens where the configuration has them."""

from importlib import import_module
from typing import Any, cast

from gateway.identity.hookimpls import KeyAuthentication
from gateway.identity.master import MasterKey
from gateway.identity.signed import SignedAuthentication, TokenSigning
from gateway.runtime import Authentication, Parts
from gateway.settings import Settings, ensure_master_key

__all__ = ["build_authentication", "build_signing"]


def build_signing(settings: Settings, parts: Parts) -> TokenSigning | None:
    """What signs the tokens of clients of MCP, if anything does; raises ConfigError."""
    stated = settings.general.mcp_signing
    if stated is None:
        return None
    # Reading keys takes a library that costs 0.02 s to import.
    module: Any = import_module("gateway.identity.grants.signing")
    return cast("TokenSigning", module.Signing(stated, parts.clock))  # an attribute of a module is Any


def build_authentication(settings: Settings, parts: Parts, signing: TokenSigning | None) -> Authentication:
    """The hook `authenticate` of the core; raises ConfigError."""
    master = MasterKey(ensure_master_key(settings.environment).key)
    keys = KeyAuthentication(parts.principals, master, parts.clock, settings.general.key_header_name)
    others = _build_others(settings, parts, keys)
    return others if signing is None else SignedAuthentication(signing, keys, others)


def _build_others(settings: Settings, parts: Parts, keys: KeyAuthentication) -> Authentication:
    if settings.jwt is None:
        return keys
    # The library of signatures costs 0.1 s to import: only a gateway that takes tokens pays for it.
    module: Any = import_module("gateway.identity.tokens.build")
    made = module.build_token_authentication(
        settings.jwt, keys, parts.principals, parts.database, parts.documents, parts.management, parts.clock
    )
    return cast("Authentication", made)  # an attribute of a module is Any
