"""How virtual keys and the master key enter the request path."""

from gateway.clock import Clock
from gateway.domain import Principal
from gateway.errors import TokenNotFound
from gateway.hooks import RequestHead, hookimpl
from gateway.identity.credentials import KEY_PREFIX, abbreviate, check_is_virtual_key, find_credential
from gateway.identity.master import MasterKey
from gateway.identity.principals import Follower, Principals
from gateway.identity.standing import check_standing
from gateway.ids import hash_token

__all__ = ["KeyAuthentication"]


class KeyAuthentication:
    """The hook `authenticate` of the core; a known key costs a digest and a look-up, no SQL, no Redis."""

    def __init__(
        self, principals: Principals, master: MasterKey | None, clock: Clock, header_name: str | None = None
    ) -> None:
        self._principals = principals
        self._master = master
        self._clock = clock
        self.header_name = header_name
        self.followers: tuple[Follower, ...] = ()
        """What is remembered here beside `principals`: nothing."""

    @hookimpl
    async def authenticate(self, head: RequestHead) -> Principal:
        """Return who presents the key on the request.

        Raises AuthenticationFailed without one, with a malformed, unknown, blocked or expired one, and
        DatabaseUnavailable when it is not known here and the database does not answer.
        """
        credential, peek = find_credential(head, self.header_name), self._principals.peek
        # Spelled out: most keys are known, and each coroutine costs as much as a digest.
        if credential.startswith(KEY_PREFIX) and (known := peek(hash_token(credential))):
            check_standing(known, self._clock)
            return known
        return await self.identify(credential)

    async def identify(self, credential: str) -> Principal:
        """Return whose key this is; raises as `authenticate`."""
        token_hash = hash_token(credential)
        # What was signed with a key that counts no more may be remembered.
        principal = self._principals.peek(token_hash) if credential.startswith(KEY_PREFIX) else None
        if principal is None:
            principal = await self._find(credential, token_hash)
        check_standing(principal, self._clock)
        return principal

    async def identify_signed(self, token: str) -> Principal:
        """Return whose token this is that the gateway has signed; raises as `authenticate`."""
        token_hash = hash_token(token)
        principal = self._principals.peek(token_hash) or await self._look_up(token, token_hash)
        check_standing(principal, self._clock)
        return principal

    async def _find(self, credential: str, token_hash: str) -> Principal:
        if self._master is not None:
            operator = self._master.find(token_hash)
            if operator is not None:
                return operator
        check_is_virtual_key(credential)
        return await self._look_up(credential, token_hash)

    async def _look_up(self, credential: str, token_hash: str) -> Principal:
        principal = await self._principals.find(token_hash)
        if principal is None:
            raise TokenNotFound(
                "Authentication Error, Invalid proxy server token passed. "
                f"Received API Key = {abbreviate(credential)}. "
                "Unable to find token in cache or `LiteLLM_VerificationTokenTable`",
                param="key",
            )
        return principal
