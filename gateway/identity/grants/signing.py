"""Tokens of clients of MCP that are signed (RFC 9068): anybody can read whose they are, and who made them."""

import base64
import secrets
from collections.abc import Mapping

import msgspec
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from gateway.clock import Clock
from gateway.errors import ConfigError
from gateway.identity.grants.authorizing import ISSUER
from gateway.identity.grants.minting import Mint, Minted
from gateway.settings.model import McpSigning

__all__ = ["Signing"]

_PATH = "general_settings.mcp_session_token_signing"
_ALGORITHM, _KIND = "RS256", "at+jwt"
_SMALLEST, _LARGEST = 2048, 8192
_LONGEST, _PARTS = 16 * 1024, 3
_NANOS = 1_000_000_000


class _Header(msgspec.Struct, frozen=True):
    alg: str = ""
    typ: str = ""
    kid: str = ""


_decode_header = msgspec.json.Decoder(_Header).decode


class Signing:
    """Signs tokens with one key, and knows those that it or a predecessor has signed."""

    def __init__(self, settings: McpSigning, clock: Clock) -> None:
        """Raises ConfigError for what is no key."""
        self._clock = clock
        self._kid = settings.kid
        self._private = _read_private(settings.private_key.reveal())
        self._public: dict[str, RSAPublicKey] = {settings.kid: self._private.public_key()}
        for index, one in enumerate(settings.previous):
            place = f"{_PATH}.previous_public_keys[{index}].public_key"
            self._public[one.kid] = _read_public(one.public_key, place)
        described = [_describe(kid, key) for kid, key in self._public.items()]
        self.key_set: dict[str, object] = {"keys": described}
        """The public keys, for whoever reads tokens (RFC 7517)."""

    def mint_for(self, base: str, issuer: str) -> Mint:
        """Makes tokens of an issuer, `issuer` being its path below `base`; empty is the usual one."""

        def mint(minted: Minted) -> str:
            now = self._clock.now_nanos() // _NANOS
            claims: dict[str, object] = {
                "iss": base + (issuer or ISSUER),
                "sub": minted.user_id,
                "aud": base + (minted.resource or ISSUER),
                "client_id": minted.client_id,
                "iat": now,
                "exp": now + minted.seconds,
                "jti": secrets.token_urlsafe(24),
                # By this parts that do not know the keys tell it from tokens of others, and keep it.
                "gatewright_use": "mcp",
            }
            return self._sign(claims)

        return mint

    def has_signed(self, token: str) -> bool:
        """Whether a token is of here, whatever has become of it."""
        parts = token.split(".") if token.startswith("ey") and len(token) <= _LONGEST else []
        if len(parts) != _PARTS:
            return False
        try:
            header = _decode_header(_decode(parts[0]))
            key = self._public.get(header.kid)
            if key is None or (header.alg, header.typ) != (_ALGORITHM, _KIND):
                return False
            signed = f"{parts[0]}.{parts[1]}".encode()
            key.verify(_decode(parts[2]), signed, PKCS1v15(), hashes.SHA256())
        except (ValueError, msgspec.DecodeError, RecursionError, InvalidSignature):
            return False
        return True

    def _sign(self, claims: Mapping[str, object]) -> str:
        head = msgspec.json.encode({"alg": _ALGORITHM, "typ": _KIND, "kid": self._kid})
        signed = f"{_encode(head)}.{_encode(msgspec.json.encode(claims))}"
        signature = self._private.sign(signed.encode(), PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_encode(signature)}"


def _read_private(pem: str) -> RSAPrivateKey:
    try:
        key = load_pem_private_key(pem.encode(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPrivateKey) or not _SMALLEST <= key.key_size <= _LARGEST:
        raise _refuse("a private RSA key without a password", f"{_PATH}.private_key")
    return key


def _read_public(pem: str, path: str) -> RSAPublicKey:
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey) or not _SMALLEST <= key.key_size <= _LARGEST:
        raise _refuse("a public RSA key", path)
    return key


def _refuse(what: str, path: str) -> ConfigError:
    return ConfigError(f"Expected {what} in PEM, of {_SMALLEST} to {_LARGEST} bits.", path=path)


def _describe(kid: str, key: RSAPublicKey) -> dict[str, object]:
    numbers = key.public_numbers()
    modulus, exponent = (
        _encode(number.to_bytes((number.bit_length() + 7) // 8)) for number in (numbers.n, numbers.e)
    )
    return {"kty": "RSA", "use": "sig", "alg": _ALGORITHM, "kid": kid, "n": modulus, "e": exponent}


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
