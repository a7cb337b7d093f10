"""Secrets that hold once and for a while: whoever brings one back gets what was put down for it."""

import secrets
from collections.abc import Callable

from gateway.db.engine import Database
from gateway.db.sealing import Seal, Tokens
from gateway.ids import hash_token

__all__ = ["Vouchers"]

# Only the server's clock is asked: the worker that takes one may be another than the one that gave it.
_SWEEP = "DELETE FROM gatewright.voucher WHERE expires_at <= clock_timestamp()"
_ISSUE = """
INSERT INTO gatewright.voucher (id, purpose, content, expires_at)
VALUES ($1, $2, $3, clock_timestamp() + $4::float8 * interval '1 second')
"""
_REDEEM = """
UPDATE gatewright.voucher SET used_at = clock_timestamp()
WHERE id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > clock_timestamp() RETURNING content
"""
_LOOK = """
SELECT content FROM gatewright.voucher
WHERE id = $1 AND purpose = $2 AND (used_at IS NOT NULL) = $3 AND expires_at > clock_timestamp()
"""
_LOCK = """
SELECT content FROM gatewright.voucher
WHERE id = $1 AND purpose = $2 AND used_at IS NULL AND expires_at > clock_timestamp() FOR UPDATE
"""
_REPLACE = "UPDATE gatewright.voucher SET content = $2 WHERE id = $1"
_CLAIM = """
INSERT INTO gatewright.voucher AS v (id, purpose, content, expires_at)
VALUES ($1, 'claim', '', clock_timestamp() + $2::float8 * interval '1 second')
ON CONFLICT (id) DO UPDATE SET expires_at = EXCLUDED.expires_at WHERE v.expires_at <= clock_timestamp()
RETURNING id
"""
_RELEASE = "DELETE FROM gatewright.voucher WHERE id = $1"


class Vouchers:
    """Issues and redeems, on any worker. Of the secret a hash is stored, the content is encrypted.

    All methods raise DatabaseUnavailable.
    """

    def __init__(self, database: Database, seal: Seal) -> None:
        self._database = database
        self._tokens = Tokens(seal)

    async def issue(self, purpose: str, text: str, seconds: float) -> str:
        """A new secret for a text. Those whose time is over are removed."""
        secret = secrets.token_urlsafe(32)
        await self._database.execute(_SWEEP)
        sealed = self._tokens.close(purpose, text)
        await self._database.execute(_ISSUE, hash_token(secret), purpose, sealed, float(seconds))
        return secret

    async def redeem(self, purpose: str, secret: str) -> str | None:
        """The text, once; None for a secret that is unknown, used, too old, or for another purpose."""
        return self._open(purpose, await self._database.fetch_value(_REDEEM, hash_token(secret), purpose))

    async def find(self, purpose: str, secret: str, *, is_used: bool = False) -> str | None:
        """The text of a secret that is still good, or of one that was used before its time was over."""
        found = await self._database.fetch_value(_LOOK, hash_token(secret), purpose, is_used)
        return self._open(purpose, found)

    async def change(self, purpose: str, secret: str, change: Callable[[str], str | None]) -> None:
        """Put another text in the place of one, while nobody else does.

        `change` gets the text of a secret that is still good, and returns the next one; with None the secret
        is used. It is not called for any other secret.
        """
        name = hash_token(secret)
        async with self._database.transaction():
            former = self._open(purpose, await self._database.fetch_value(_LOCK, name, purpose))
            text = None if former is None else change(former)
            if text is not None:
                await self._database.execute(_REPLACE, name, self._tokens.close(purpose, text))
            elif former is not None:
                await self._database.execute(_REDEEM, name, purpose)

    async def claim(self, name: str, seconds: float) -> bool:
        """Take the sole right to do something, for so long at most; False while somebody else has it."""
        return await self._database.fetch_value(_CLAIM, hash_token(name), float(seconds)) is not None

    async def release(self, name: str) -> None:
        """Give that right back."""
        await self._database.execute(_RELEASE, hash_token(name))

    def _open(self, purpose: str, sealed: str | None) -> str | None:
        return None if sealed is None else self._tokens.open(purpose, sealed)
