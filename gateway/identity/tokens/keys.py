"""The public keys that an identity provider publishes, and what they can verify."""

from collections.abc import Iterator, Mapping
from typing import cast

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

from gateway.errors import ServiceUnavailable

__all__ = ["ALGORITHMS", "VerifyingKey", "parse_key_set"]

ALGORITHMS = frozenset(
    {
        *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
        *("EdDSA", "Ed25519"),
    }
)
"""Those in which whoever verifies cannot sign."""

_MOST_KEYS = 100
_SMALLEST_RSA_BITS = 2048
_LARGEST_RSA_BITS = 8192
# Only what is public is read; a set that also has private members gives nothing away here.
_PUBLIC = {"RSA": ("kty", "n", "e"), "EC": ("kty", "crv", "x", "y"), "OKP": ("kty", "crv", "x")}
_CURVES = frozenset({"P-256", "P-384", "P-521", "Ed25519"})
_TYPES = {"RSA": RSAKey, "EC": ECKey, "OKP": OKPKey}


class VerifyingKey(msgspec.Struct, frozen=True):
    """One key; `kid` and `algorithm` are None where the set does not say them."""

    kid: str | None
    algorithm: str | None
    key: RSAKey | ECKey | OKPKey

    def suits(self, algorithm: str) -> bool:
        """Whether a token of this algorithm can be verified with the key: its type, curve and own rules."""
        if algorithm not in ALGORITHMS or self.algorithm not in {None, algorithm}:
            return False
        try:
            JWSRegistry.algorithms[algorithm].check_key(self.key)
        except JoseError:
            return False
        return True

    def verifies(self, algorithm: str, signed: bytes, signature: bytes) -> bool:
        """Whether the signature is this key's."""
        try:
            return JWSRegistry.algorithms[algorithm].verify(signed, signature, self.key)
        except (JoseError, ValueError):
            return False


def parse_key_set(document: Mapping[str, object]) -> tuple[VerifyingKey, ...]:
    """Read the keys for signatures; others, weak and unreadable ones are left out.

    Raises ServiceUnavailable for a document that is no key set.
    """
    keys = document.get("keys")
    if not isinstance(keys, list):
        raise ServiceUnavailable("The identity provider published something else than a key set.")
    return tuple(_read_keys(cast("list[object]", keys)[:_MOST_KEYS]))


def _read_keys(items: list[object]) -> Iterator[VerifyingKey]:
    for item in items:
        members = cast("dict[str, object]", item) if isinstance(item, dict) else {}
        key = _import(members) if _is_for_signatures(members) else None
        if key is not None:
            yield VerifyingKey(_text(members.get("kid")), _text(members.get("alg")), key)


def _is_for_signatures(members: Mapping[str, object]) -> bool:
    operations = members.get("key_ops")
    may_verify = not isinstance(operations, list) or "verify" in cast("list[object]", operations)
    return members.get("use", "sig") == "sig" and may_verify


def _import(members: Mapping[str, object]) -> RSAKey | ECKey | OKPKey | None:
    kind = _text(members.get("kty")) or ""
    names = _PUBLIC.get(kind, ())
    public: dict[str, str | list[str]] = {
        name: text for name in names if (text := _text(members.get(name))) is not None
    }
    if not names or len(public) != len(names) or not _is_of_size(_text(public.get("n"))):
        return None
    if public.get("crv", "P-256") not in _CURVES:
        return None
    try:
        key = _TYPES[kind].import_key(public)
        # The numbers are looked at on first use only: a point that is not on its curve shows now.
        size = key.public_key.key_size if isinstance(key, RSAKey) else _SMALLEST_RSA_BITS
        _ = key.public_key
    except (JoseError, ValueError):
        return None
    return key if size >= _SMALLEST_RSA_BITS else None


def _is_of_size(modulus: str | None) -> bool:
    """Whether a modulus is large enough to be safe, and small enough not to keep anybody busy."""
    bits = len((modulus or "").strip("=")) * 6
    return modulus is None or _SMALLEST_RSA_BITS <= bits + 5 <= _LARGEST_RSA_BITS + 16


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None
