"""The cookie of a session: a JWT that carries the session's key, in the form that LiteLLM's console reads."""

import base64
import hmac
from collections.abc import Mapping

import msgspec

from gateway.domain import Secret

__all__ = ["sign_ticket"]

_HEADER = b'{"alg":"HS256","typ":"JWT"}'


def sign_ticket(claims: Mapping[str, object], secret: Secret) -> str:
    """The signed claims. The gateway itself never accepts one: what counts is the key in it."""
    signed = f"{_encode(_HEADER)}.{_encode(msgspec.json.encode(claims))}"
    signature = hmac.digest(secret.reveal().encode(), signed.encode(), "sha256")
    return f"{signed}.{_encode(signature)}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
