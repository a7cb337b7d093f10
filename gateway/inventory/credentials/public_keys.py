"""The public halves of private keys in credentials, as providers want to be told them."""

from collections.abc import Iterable
from typing import Any

from joserfc.errors import JoseError
from joserfc.jwk import ECKey, OKPKey, RSAKey

__all__ = ["list_public_keys"]

_PRIVATE = "PRIVATE KEY-----"
_KINDS = (RSAKey, ECKey, OKPKey)


def list_public_keys(values: Iterable[object]) -> list[dict[str, Any]]:
    """A JSON Web Key (RFC 7517) for each private key in PEM among the values, with its thumbprint as `kid`.

    The thumbprint is that of RFC 7638. A key that is encrypted or broken is left out.
    """
    texts = (value for value in values if isinstance(value, str) and _PRIVATE in value)
    keys = (_read(text.replace("\\n", "\n")) for text in texts)
    return [key for key in keys if key is not None]


def _read(pem: str) -> dict[str, Any] | None:
    for kind in _KINDS:
        try:
            key = kind.import_key(pem)
            return {**key.as_dict(private=False), "kid": key.thumbprint(), "use": "sig"}
        except (JoseError, ValueError, TypeError):
            continue
    return None
