"""Taking secrets out of rows before somebody else reads them: by the names of members, and by their looks."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

import msgspec

__all__ = ["MASK", "mask"]

MASK = "*****"
"""What stands in the place of a secret."""

_NAMES = frozenset({"token", "key", "pass", "pwd", "dsn", "cookie"})
# Everything below these is a secret, whatever the members are called.
_CONTAINERS = frozenset(
    {
        *("credential_values", "environment_variables", "env", "env_vars", "callback_vars"),
        *("headers", "static_headers", "extra_headers", "default_headers"),
    }
)
_FRAGMENTS = (
    *(
        "password",
        "passwd",
        "passphrase",
        "secret",
        "credentials",
        "private_key",
        "api_key",
        "apikey",
        "access_key",
    ),
    *(
        "authorization",
        "master_key",
        "salt_key",
        "signing_key",
        "encryption_key",
        "webhook",
        "connection_string",
    ),
)
_ENDS = ("_token", "_tokens_json", "_dsn", "_pwd", "_credential", "_key", "_keys")
# Names of secrets are none themselves, nor is what an answer is kept under.
_HARMLESS_ENDS = ("_name", "_names", "_alias", "_info", "_cache_key")
_KEY = re.compile(r"\bsk-[A-Za-z0-9_\-]{8,}")
_BEARER = re.compile(r"\b(bearer\s+)[\w.~+/=\-]{8,}", re.IGNORECASE | re.ASCII)
# A password with an @ that nobody escaped is one, too.
_USERINFO = re.compile(r"(?<=://)[^/?#\s]+@")
_QUERY = re.compile(r"(?<=[?&])([\w.\-]+)=[^&#\s]+", re.ASCII)
_SIGNATURES = frozenset({"sig", "signature", "x_amz_signature", "x_goog_signature", "code"})
"""Members of an address's query that let whoever has it in."""
_DEEPEST = 40

_decode = msgspec.json.Decoder().decode


def mask(value: Any, *, is_secret: bool = False, depth: int = 0) -> Any:
    """The value with every secret in it replaced, also in JSON that is kept as text.

    Numbers, switches and null are no secrets. `is_secret` says that its name makes every text in it one.
    What is nested deeper than forty levels is replaced whole.
    """
    if depth > _DEEPEST:
        return MASK
    if isinstance(value, msgspec.Struct):
        value = msgspec.to_builtins(value)
    if isinstance(value, Mapping):
        members = cast("Mapping[Any, Any]", value)  # of unknown JSON values
        return {
            name: mask(inner, is_secret=is_secret or _names_secret(str(name)), depth=depth + 1)
            for name, inner in members.items()
        }
    if isinstance(value, str):
        return _mask_text(value, is_secret=is_secret, depth=depth)
    if isinstance(value, bytes | bytearray):
        return MASK
    if isinstance(value, list | tuple | set | frozenset):
        items = cast("Sequence[Any]", value)  # of unknown JSON values
        return [mask(inner, is_secret=is_secret, depth=depth + 1) for inner in items]
    return value


def _mask_text(text: str, *, is_secret: bool, depth: int) -> str:
    if is_secret:
        return MASK if text else text
    if text[:1] in {"{", "["}:
        try:
            inner = _decode(text)
        except (msgspec.DecodeError, RecursionError):
            pass  # It only looks like JSON.
        else:
            return msgspec.json.encode(mask(inner, depth=depth + 1)).decode()
    plain = _BEARER.sub(rf"\1{MASK}", _KEY.sub(MASK, text))
    return _QUERY.sub(_mask_member, _USERINFO.sub(f"{MASK}@", plain))


def _mask_member(found: re.Match[str]) -> str:
    """A member of a query; its value is shown unless the name says that it is secret."""
    name = found[1]
    is_secret = _names_secret(name) or name.lower().replace("-", "_") in _SIGNATURES
    return f"{name}={MASK}" if is_secret else found[0]


def _names_secret(name: str) -> bool:
    plain = name.lower().replace("-", "_")
    if plain.endswith(_HARMLESS_ENDS):
        return False
    if plain in _NAMES or plain in _CONTAINERS or plain.endswith(_ENDS):
        return True
    return any(fragment in plain for fragment in _FRAGMENTS)
