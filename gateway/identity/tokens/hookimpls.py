"""How tokens enter the request path, beside virtual keys."""

from collections import OrderedDict

import msgspec

from gateway.clock import Clock
from gateway.domain import Principal
from gateway.errors import AuthenticationFailed
from gateway.hooks import RequestHead, hookimpl
from gateway.identity.credentials import find_credential
from gateway.identity.hookimpls import KeyAuthentication
from gateway.identity.principals import Follower
from gateway.identity.standing import check_standing
from gateway.identity.tokens.applications import Applications, read_application
from gateway.identity.tokens.callers import Callers
from gateway.identity.tokens.identity import TokenIdentity, read_identity
from gateway.identity.tokens.mapped import MappedKeys
from gateway.identity.tokens.verification import LONGEST_TOKEN, Verifier
from gateway.ids import hash_token
from gateway.settings.jwt import JwtSettings

__all__ = ["TokenAuthentication"]

_NANOS = 1_000_000_000
_CAPACITY = 20_000
_TEAM = "x-litellm-team-id"


class _Known(msgspec.Struct, frozen=True):
    """A token that was verified: until when (nanoseconds since 1970) that holds, and who it says to be.

    `application` is that of a `Principal`, and no part of the identity: a caller who uses another one is the
    same to limits and books.
    """

    until_nanos: int
    digest: str
    identity: TokenIdentity
    application: str | None


class TokenAuthentication:
    """The hook `authenticate` of the core where tokens are accepted.

    A known token costs a digest and two look-ups. It is verified anew when the time of the keys is over, so
    that one whose key was withdrawn does not live until it expires.
    """

    def __init__(
        self,
        keys: KeyAuthentication,
        verifier: Verifier,
        callers: Callers,
        mapped: MappedKeys,
        clock: Clock,
        settings: JwtSettings,
    ) -> None:
        self._keys = keys
        self._verifier = verifier
        self._callers = callers
        self._mapped = mapped
        self._clock = clock
        self._settings = settings
        self._known: OrderedDict[str, _Known] = OrderedDict()
        self._applications = Applications()
        self.followers: tuple[Follower, ...] = (callers, mapped)
        """What is remembered here of callers, to be forgotten with what is remembered of keys."""

    def __len__(self) -> int:
        return len(self._known)

    @hookimpl
    async def authenticate(self, head: RequestHead) -> Principal:
        """Return who presents the token or the key on the request.

        Raises AuthenticationFailed, PermissionDenied or NotFound for whom is not let in, ServiceUnavailable
        while the identity provider's keys cannot be read, and DatabaseUnavailable.
        """
        credential = find_credential(head, self._keys.header_name)
        if not _is_token(credential):
            return await self._keys.identify(credential)
        known = await self._find(credential)
        principal = None
        if known.identity.key_claim is not None:
            principal = await self._mapped.find(known.identity, known.identity.key_claim)
        if principal is None:
            caller = self._callers.peek(known.digest)
            if caller is None:
                caller = await self._callers.find(known.digest, known.identity)
            principal = caller.choose(head.headers.get(_TEAM))
            if known.identity.key_claim is not None:
                principal = await self._mapped.register(known.identity, known.identity.key_claim, principal)
        check_standing(principal, self._clock)
        if known.application is None:
            return principal
        return self._applications.name(principal, known.application)

    async def _find(self, token: str) -> _Known:
        if len(token) > LONGEST_TOKEN:
            raise AuthenticationFailed(
                f"Authentication Error, The token is longer than {LONGEST_TOKEN} characters."
            )
        token_hash = hash_token(token)
        known = self._known.get(token_hash)
        now = self._clock.now_nanos()
        if known is not None and now < known.until_nanos:
            self._known.move_to_end(token_hash)
            return known
        self._known.pop(token_hash, None)
        verified = await self._verifier.verify(token)
        identity = read_identity(verified.issuer, verified.claims, verified.fields, self._settings)
        until = min(verified.expires_nanos, now + int(self._settings.public_key_ttl * _NANOS))
        application = read_application(verified.claims, verified.fields)
        known = self._known[token_hash] = _Known(until, identity.digest, identity, application)
        if len(self._known) > _CAPACITY:
            self._known.popitem(last=False)
        return known


def _is_token(credential: str) -> bool:
    """Whether this has the form of a JWT: an object in base64 is its first part, and there are three."""
    return credential.startswith("ey") and credential.count(".") == 2  # noqa: PLR2004  three parts
