"""Proofs of who the gateway is, signed with a private key (RFC 7523, 2.2 and 3)."""

import secrets
from base64 import urlsafe_b64encode

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

__all__ = ["Signer", "read_signer"]

_Key = RSAKey | ECKey | OKPKey

_ALGORITHMS = (
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"),
    *("EdDSA", "Ed25519"),
)
"""Those in which whoever verifies cannot sign; of those that suit a key the first is the usual one."""
_SMALLEST_RSA_BITS = 2048
_SECONDS = 300
_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class Signer(msgspec.Struct, frozen=True):
    """A private key, and how it signs."""

    key: _Key
    algorithm: str

    __repr__ = object.__repr__

    def prove(self, client_id: str, audience: str, key_id: str, now: int) -> dict[str, str]:
        """The fields of a form that prove to the `audience` who asks; `now` is in seconds since 1970."""
        named = {"kid": key_id} if key_id else {}
        claims = {
            "iss": client_id,
            "sub": client_id,
            "aud": audience,
            "jti": secrets.token_urlsafe(16),
            "iat": now,
            "exp": now + _SECONDS,
        }
        signed = f"{_encode({'alg': self.algorithm, 'typ': 'JWT', **named})}.{_encode(claims)}"
        signature = JWSRegistry.algorithms[self.algorithm].sign(signed.encode(), self.key)
        return {"client_assertion_type": _TYPE, "client_assertion": f"{signed}.{_base64(signature)}"}


def read_signer(pem: str, algorithm: str) -> Signer:
    """The key of a text in PEM; without an `algorithm` it signs in the usual one.

    Raises ValueError for what is no such key, or does not suit.
    """
    if algorithm and algorithm not in _ALGORITHMS:
        raise ValueError(f"'client_assertion_signing_alg' is one of {', '.join(_ALGORITHMS)}")
    key = _import(pem)
    suiting = [name for name in _ALGORITHMS if _suits(key, name)]
    if not suiting or (algorithm and algorithm not in suiting):
        allowed = ", ".join(suiting) or "none"
        raise ValueError(
            "'client_assertion_signing_alg' does not suit 'client_private_key', which can sign in " + allowed
        )
    return Signer(key, algorithm or suiting[0])


def _import(pem: str) -> _Key:
    """The key of a text. Raises ValueError for what is none."""
    try:
        # In a variable of the environment the ends of lines are often written out.
        read = load_pem_private_key(pem.replace("\\n", "\n").encode(), None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        read = None
    if isinstance(read, RSAPrivateKey) and read.key_size < _SMALLEST_RSA_BITS:
        raise ValueError(f"'client_private_key' of RSA has at least {_SMALLEST_RSA_BITS} bits")
    try:
        if isinstance(read, RSAPrivateKey):
            return RSAKey.import_key(read)
        if isinstance(read, EllipticCurvePrivateKey):
            return ECKey.import_key(read)
        if isinstance(read, Ed25519PrivateKey):
            return OKPKey.import_key(read)
    except (JoseError, ValueError):
        read = None
    # What the libraries say of a key is not repeated.
    raise ValueError("'client_private_key' is a private key in PEM, of RSA, EC or Ed25519, not encrypted")


def _suits(key: _Key, algorithm: str) -> bool:
    try:
        JWSRegistry.algorithms[algorithm].check_key(key)
    except JoseError:
        return False
    return True


def _encode(members: object) -> str:
    return _base64(msgspec.json.encode(members))


def _base64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
