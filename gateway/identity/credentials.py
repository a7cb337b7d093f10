"""Finding the credential on a request, in whichever header a client library puts it."""

import base64
import binascii
from urllib.parse import parse_qsl

from gateway.errors import AuthenticationFailed
from gateway.hooks import RequestHead
from gateway.ids import hash_token

__all__ = [
    "KEY_PREFIX",
    "abbreviate",
    "brings_foreign_bearer",
    "check_is_virtual_key",
    "find_credential",
    "has_credential",
    "hash_of",
]

KEY_PREFIX = "sk-"

_MALFORMED = "Authentication Error, Malformed API Key passed in. Ensure Key has `Bearer ` prefix."
_MISSING = "Authentication Error, No api key passed in."
_BARE_HEADERS = ("api-key", "x-api-key", "x-goog-api-key", "ocp-apim-subscription-key")
_QUERY_ROUTES = (":generateContent", ":streamGenerateContent")
_SHORTEST_TO_ABBREVIATE = 12


def abbreviate(credential: str) -> str:
    """The form in which a credential may be shown: the last four characters, of a short one nothing.

    It equals the column `key_name` of the prescribed schema for every virtual key.
    """
    if len(credential) < _SHORTEST_TO_ABBREVIATE:
        return "***"
    start = KEY_PREFIX if credential.startswith(KEY_PREFIX) else ""
    return f"{start}...{credential[-4:]}"


def hash_of(key: str) -> str:
    """The stored hash of a key that somebody names, plain or already hashed."""
    return hash_token(key) if key.startswith(KEY_PREFIX) else key


def find_credential(head: RequestHead, header_name: str | None = None) -> str:
    """Return the credential as the client sent it, without its scheme.

    `header_name` (`general_settings.litellm_key_header_name`) replaces all other places. Raises
    AuthenticationFailed when there is none, or one that its scheme does not explain.
    """
    headers = head.headers
    if header_name is not None:
        return _unwrap(headers.get(header_name.lower(), ""))
    own = headers.get("x-litellm-api-key")
    if own:
        return _unwrap(own)
    authorization = headers.get("authorization")
    if authorization:
        is_usual = authorization.startswith("Bearer ")
        return (is_usual and authorization[7:].strip()) or _from_authorization(authorization)
    for name in _BARE_HEADERS:
        value = headers.get(name)
        if value:
            return _unwrap(value)
    return _from_query(head)


def has_credential(head: RequestHead, header_name: str | None = None) -> bool:
    """Whether a client has sent anything where `find_credential` looks, be it as wrong as it may."""
    names = ("x-litellm-api-key", "authorization", *_BARE_HEADERS)
    places = names if header_name is None else (header_name.lower(),)
    return any(head.headers.get(name) for name in places)


def brings_foreign_bearer(head: RequestHead, header_name: str | None = None) -> bool:
    """Whether a client has sent a bearer token that is no virtual key, and nothing in places of keys."""
    headers = head.headers
    scheme, _, token = headers.get("authorization", "").strip().partition(" ")
    token = token.strip()
    if scheme.lower() != "bearer" or not token or token.startswith(KEY_PREFIX):
        return False
    places = ("x-litellm-api-key", *_BARE_HEADERS) if header_name is None else (header_name.lower(),)
    return not any(headers.get(name) for name in places if name != "authorization")


def check_is_virtual_key(credential: str) -> None:
    """Refuse what cannot be a virtual key, a stored hash among them; raises AuthenticationFailed."""
    if not credential.startswith(KEY_PREFIX):
        raise AuthenticationFailed(
            "Authentication Error, LiteLLM Virtual Key expected. "
            f"Received={abbreviate(credential)}, expected to start with 'sk-'."
        )


def _from_authorization(value: str) -> str:
    scheme, _, rest = value.strip().partition(" ")
    token = _DECODERS.get(scheme.lower(), _refuse)(rest.strip())
    if not token:
        raise AuthenticationFailed(_MALFORMED)
    return token


def _unwrap(value: str) -> str:
    """The value of a header that may or may not say `Bearer`."""
    token = value.strip()
    if not token:
        raise AuthenticationFailed(_MISSING)
    scheme, _, rest = token.partition(" ")
    if scheme.lower() != "bearer":
        return token
    if not rest.strip():
        raise AuthenticationFailed(_MALFORMED)
    return rest.strip()


def _from_query(head: RequestHead) -> str:
    if head.query and head.path.endswith(_QUERY_ROUTES):
        for name, value in parse_qsl(head.query):
            if name == "key":
                return value
    raise AuthenticationFailed(_MISSING)


def _password_of_basic(encoded: str) -> str:
    try:
        text = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return ""
    return text.partition(":")[2]


def _refuse(_rest: str) -> str:
    return ""


def _as_is(rest: str) -> str:
    return rest


_DECODERS = {"bearer": _as_is, "basic": _password_of_basic}
