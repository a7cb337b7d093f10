"""Which of the texts that would go to a target are credentials of the gateway, which no target may see."""

import base64
import binascii
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl

import msgspec

from gateway.domain import PassThrough
from gateway.errors import AuthenticationFailed, GatewayError, McpTokenRefused, TokenNotFound
from gateway.hooks import RequestHead
from gateway.identity.credentials import KEY_PREFIX, find_credential
from gateway.runtime import Snapshot

__all__ = ["KEY_PLACE", "find_own_credentials"]

KEY_PLACE = "x-litellm-api-key"
"""The header in which authentication looks first, unless the configuration names the only one."""

_PLACES = frozenset(
    {
        *("authorization", "cookie", "api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key"),
        *(KEY_PLACE, "proxy-authorization"),
    }
)
_KEY = re.compile(rf"\b{KEY_PREFIX}[^\s,;\"']+")
_PREFIX = "x-pass-"
_MOST = 8
"""So many texts are looked up; a request with more of them has all taken for the gateway's."""


async def find_own_credentials(snapshot: Snapshot, one: PassThrough, head: RequestHead) -> frozenset[str]:
    """The credentials of the gateway in headers and query: the caller's, and all others that it knows.

    Where no key is asked for, what the caller sends may be meant for the target: unless the gateway knows it.
    """
    own = {_find_callers(snapshot, head)} if one.asks_for_key else set[str]()
    others = [text for text in dict.fromkeys(_list_candidates(snapshot, one, head)) if text not in own]
    for index, text in enumerate(others):
        if index >= _MOST or await _is_ours(snapshot, head, text):
            own.add(text)
    return frozenset(own - {""})


def _find_callers(snapshot: Snapshot, head: RequestHead) -> str:
    """The caller's credential as it was sent; empty where there is none, for a plugin found another."""
    try:
        return find_credential(head, snapshot.settings.general.key_header_name)
    except AuthenticationFailed:
        return ""


def _list_candidates(snapshot: Snapshot, one: PassThrough, head: RequestHead) -> Iterator[str]:
    if not (one.forwards_headers or one.brought or head.query or _PREFIX in " ".join(head.headers)):
        return
    named = {(snapshot.settings.general.key_header_name or "").lower(), one.caller_header}
    for name, value in head.headers.items():
        if one.forwards_headers or name.startswith(_PREFIX) or name in one.brought:
            token = _unwrap(value)
            if name.removeprefix(_PREFIX) in _PLACES or name in named or name in one.brought:
                yield token
            yield from _KEY.findall(token)
    for pair in parse_qsl(head.query, keep_blank_values=True) if head.query else ():
        for text in pair:
            yield from _KEY.findall(text)


def _unwrap(value: str) -> str:
    """A header's value without its scheme; of basic authentication the password."""
    scheme, _, rest = value.strip().partition(" ")
    if scheme.lower() == "bearer":
        return rest.strip()
    if scheme.lower() != "basic":
        return value.strip()
    try:
        return base64.b64decode(rest).decode("latin-1").partition(":")[2]
    except (binascii.Error, ValueError):
        return value.strip()


async def _is_ours(snapshot: Snapshot, head: RequestHead, text: str) -> bool:
    place = snapshot.settings.general.key_header_name or KEY_PLACE
    alone = msgspec.structs.replace(head, headers={place.lower(): text}, query="")
    try:
        return await snapshot.pass_through_hooks.authenticate(alone) is not None
    except TokenNotFound:
        return False
    except McpTokenRefused:
        return True
    except AuthenticationFailed:
        # An expired or blocked key is ours too.
        return text.startswith(KEY_PREFIX)
    except GatewayError:
        # Nobody can say whose it is.
        return True
