"""How LiteLLM encrypts what it stores, said once more and without the gateway; and what it has written."""

import base64
import hashlib

from nacl.secret import SecretBox

SALT = "sk-salt"
HEADERS = "sBYp9b-nx7-cIbOSaYWH2xz4PSAbLhy6unCszYPWISiSzC7ruaJcHq9vfzaWmzNzFD_92xzJdnEtNUmUBClL4t4="
"""A column with secrets as LiteLLM 1.108.7 wrote it under this salt key: one text of JSON."""
CREDENTIALS = {
    "auth_value": "tUq4IgamVR1UvtEhwnaeWfonPST-f_499rkG185yY_QBHB-wS9qt5RPj",
    "aws_region_name": "eu-west-1",
    "dcr_issuer": "https://issuer.example",
    "dcr_server_url": "https://server.example/mcp",
    "redirect_uris": ["https://gateway.example/callback"],
}
"""The column `credentials`: member by member, and what is no secret as it is."""


def open_as_litellm(stored: str, salt: str) -> str:
    """Open a text: a box of NaCl under the SHA-256 of the salt key, its nonce first, in base64.

    Raises ValueError or CryptoError for what is none.
    """
    box = SecretBox(hashlib.sha256(salt.encode()).digest())
    return box.decrypt(base64.urlsafe_b64decode(stored)).decode()
