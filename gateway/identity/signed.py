"""How signed tokens of clients of MCP enter the request path, beside keys and tokens of others."""

from typing import Protocol

from gateway.domain import Principal
from gateway.errors import AuthenticationFailed, McpTokenRefused
from gateway.hooks import RequestHead, hookimpl
from gateway.identity.credentials import find_credential
from gateway.identity.grants.minting import Mint
from gateway.identity.hookimpls import KeyAuthentication
from gateway.identity.principals import Follower

__all__ = ["SignedAuthentication", "TokenSigning"]


class TokenSigning(Protocol):
    """What signs such tokens."""

    key_set: dict[str, object]
    """The public keys, for whoever reads tokens (RFC 7517)."""

    def mint_for(self, base: str, issuer: str) -> Mint:
        """Makes tokens of an issuer, `issuer` being its path below `base`; empty is the usual one."""
        ...

    def has_signed(self, token: str) -> bool:
        """Whether a token is of here, whatever has become of it."""
        ...


class Others(Protocol):
    """The hook `authenticate` for everything else."""

    @property
    def followers(self) -> tuple[Follower, ...]:
        """Caches to be forgotten with what is remembered of keys."""
        ...

    async def authenticate(self, head: RequestHead) -> Principal:
        """Return who is calling; raises GatewayError."""
        ...


class SignedAuthentication:
    """The hook `authenticate` of the core where tokens are signed.

    A token that was signed here is a key like any other: what it opens is said by its row, which its hash
    finds, so that whoever deletes or blocks it ends it at once.
    """

    def __init__(self, signing: TokenSigning, keys: KeyAuthentication, others: Others) -> None:
        self._signing = signing
        self._keys = keys
        self._others = others
        self.followers = others.followers
        """What is remembered here of callers: what the others remember."""

    @hookimpl
    async def authenticate(self, head: RequestHead) -> Principal:
        """Return who presents the token on the request, or what else is there.

        Raises McpTokenRefused for a token of ours that does not hold, and what the others raise.
        """
        credential = find_credential(head, self._keys.header_name)
        if not self._signing.has_signed(credential):
            return await self._others.authenticate(head)
        try:
            return await self._keys.identify_signed(credential)
        except AuthenticationFailed as error:
            raise McpTokenRefused(error.message, param=error.param, type=error.type) from None
