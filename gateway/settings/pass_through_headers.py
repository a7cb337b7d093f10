"""Read the headers of a pass-through, which mostly hold its credential."""

import base64
import re
from collections.abc import Mapping

import msgspec

from gateway.domain import Secret
from gateway.settings.node import Node, config_error
from gateway.settings.readers import read_text

__all__ = ["CALLER_HEADER", "HOP_BY_HOP", "DeclaredHeaders", "read_headers"]

CALLER_HEADER = "litellm_user_api_key"
"""The member that names a header in which callers may send their own key; it is sent nowhere."""

HOP_BY_HOP = frozenset(
    {
        *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
        *("te", "trailer", "transfer-encoding", "upgrade"),
    }
)
"""Headers of one connection, which nobody passes on (RFC 9110 section 7.6.1)."""

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_REFERENCE = re.compile(r"os\.environ/([A-Za-z_][A-Za-z0-9_]*)")
_PAIR = ("LANGFUSE_PUBLIC_KEY", "LANGFUSE_SECRET_KEY")
"""Two members that LiteLLM sends as one header: name and password of basic authentication."""


class DeclaredHeaders(msgspec.Struct, frozen=True):
    """What is `sent`, by names in lower case, and the header `of_caller`."""

    sent: dict[str, Secret]
    of_caller: str | None = None


def read_headers(node: Node | None, environ: Mapping[str, str]) -> DeclaredHeaders:
    """The headers; a reference to a variable may stand within a text. Raises ConfigError."""
    members = node.value if node is not None else {}
    if not isinstance(members, dict):
        raise config_error(node or Node(None, "", 0), "Expected a mapping of headers.")
    texts = {name: _read_value(child, environ) for name, child in members.items()}
    of_caller = texts.pop(CALLER_HEADER, None)
    if any(name in texts for name in _PAIR):
        name, password = (texts.pop(part, "") for part in _PAIR)
        texts["authorization"] = "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()
    for name in texts:
        if _NAME.fullmatch(name) is None or name.lower() in HOP_BY_HOP | {"content-length", "host"}:
            raise config_error(members[name], "This header cannot be set.")
    sent = {name.lower(): Secret(text) for name, text in texts.items()}
    return DeclaredHeaders(sent, of_caller.lower() if of_caller else None)


def _read_value(node: Node, environ: Mapping[str, str]) -> str:
    if node.value is None:
        message = "The header has no value, and without it the target would not know who asks."
        raise config_error(node, message)
    text = _REFERENCE.sub(lambda found: _look_up(node, found[1], environ), read_text(node))
    if not text.isascii() or not text.isprintable():
        raise config_error(node, "Expected visible ASCII in a header.")
    return text


def _look_up(node: Node, name: str, environ: Mapping[str, str]) -> str:
    value = environ.get(name)
    if value is None:
        message = f"The environment variable {name} is not set, and this header does not work without it."
        raise config_error(node, message)
    return value
