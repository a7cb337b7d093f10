"""How people log in: LiteLLM's variables of the environment."""

from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from gateway.domain import Secret
from gateway.errors import ConfigError
from gateway.settings.budgets import read_usd
from gateway.settings.node import Node, config_error, describe
from gateway.settings.readers import (
    Reader,
    read_fields,
    read_members,
    read_seconds,
    read_secret,
    read_text,
)

__all__ = ["LoginSettings", "read_base_url", "read_login_settings"]


class LoginSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Who the administrator is, and what a session may do."""

    username: str = "admin"
    password: Secret | None = None
    """`UI_PASSWORD`; without it the master key is the administrator's password."""
    session_seconds: float = 86_400.0
    session_budget_nanos: int = 250_000_000
    """Nano-dollars that a session may spend on models."""
    base_url: str = ""
    """`PROXY_BASE_URL`: where browsers reach the gateway."""


def _read_address(node: Node) -> str:
    text = read_text(node).rstrip("/")
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise config_error(
            node, f"Expected an address such as https://gateway.example.com, found {describe(node)}."
        )
    return text


_BASE_URL = "PROXY_BASE_URL"
_READERS: Mapping[str, tuple[str, Reader]] = {
    "UI_USERNAME": ("username", read_text),
    "UI_PASSWORD": ("password", read_secret),
    "LITELLM_UI_SESSION_DURATION": ("session_seconds", read_seconds),
    _BASE_URL: ("base_url", _read_address),
}


def read_base_url(environ: Mapping[str, str]) -> str:
    """`PROXY_BASE_URL` without a slash at its end, or nothing; raises ConfigError for what is no address."""
    given = environ.get(_BASE_URL)
    if not given:
        return ""
    return _read_address(Node(given, "environment", 1, _BASE_URL, is_from_environment=True))


def read_login_settings(root: Node, environ: Mapping[str, str]) -> LoginSettings:
    """Read the variables, and the budget of a session; raises ConfigError for a value that cannot be."""
    given = {
        name: Node(environ[name], "environment", 1, name, is_from_environment=True)
        for name in _READERS
        if environ.get(name)
    }
    fields = read_fields(given, _READERS)
    if fields.get("session_seconds") == 0:
        raise ConfigError("A session must last longer than 0 seconds.", path="LITELLM_UI_SESSION_DURATION")
    budget = read_members(root.member("litellm_settings")).get("max_ui_session_budget")
    if budget is not None:
        fields["session_budget_nanos"] = read_usd(budget)
    return msgspec.structs.replace(LoginSettings(), **fields)
