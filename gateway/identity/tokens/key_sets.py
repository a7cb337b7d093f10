"""Finding the key of a token among the sets of its provider: read once, renewed when a key is unknown."""

from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urlsplit

import structlog

from gateway.cache.documents import Documents, Freshness
from gateway.errors import AuthenticationFailed, ServiceUnavailable
from gateway.identity.tokens.keys import VerifyingKey, parse_key_set

__all__ = ["Document", "KeySets"]

Document = Mapping[str, object]
_DISCOVERY = ".well-known/openid-configuration"
_RETRY_SECONDS = "5"


class KeySets:
    """Key sets by address; an address of a discovery document leads to the set that it names."""

    def __init__(self, documents: Documents[Document], freshness: Freshness) -> None:
        self._documents = documents
        self._freshness = freshness
        self._parsed: dict[str, tuple[Document, tuple[VerifyingKey, ...]]] = {}

    async def find_key(
        self, urls: Iterable[str], issuer: str | None, algorithm: str, kid: str | None
    ) -> VerifyingKey:
        """Return the key of a token; the next address is asked only where the one before has no such key.

        Without a `kid` there must be exactly one key that could be it. Raises AuthenticationFailed where
        none is, ServiceUnavailable where a provider cannot be read and nothing recent is known.
        """
        addresses = [await self._resolve(url, issuer) for url in urls]
        for url in addresses:
            key = _choose(self._keys_of(url, await self._ask(self._documents.get, url)), algorithm, kid)
            if key is not None:
                return key
        for url in addresses if kid is not None else ():
            document = await self._ask(self._documents.renew, url)
            key = None if document is None else _choose(self._keys_of(url, document), algorithm, kid)
            if key is not None:
                return key
        raise AuthenticationFailed(
            "Authentication Error, No matching public key found. The token is signed with a key that its "
            f"identity provider does not publish for {algorithm}."
        )

    async def _resolve(self, url: str, issuer: str | None) -> str:
        if _DISCOVERY not in url:
            return url
        document = await self._ask(self._documents.get, url)
        target, said = document.get("jwks_uri") if document else None, (document or {}).get("issuer")
        is_other = isinstance(said, str) and "{" not in said and said != issuer
        if issuer is not None and is_other:
            raise _unavailable("The discovery document of the identity provider is another issuer's.")
        if not isinstance(target, str) or not _is_as_safe(url, target):
            raise _unavailable("The discovery document of the identity provider names no key set.")
        return target

    async def _ask(self, method: "Callable[..., object]", url: str) -> Document | None:
        try:
            return await method(url, self._freshness)  # type: ignore[misc]  get or renew
        except ServiceUnavailable as error:
            structlog.get_logger(__name__).warning(
                "identity_provider_unavailable", url=url, reason=error.message
            )
            raise _unavailable("the identity provider's JWKS endpoint is temporarily unreachable") from None

    def _keys_of(self, url: str, document: Document | None) -> tuple[VerifyingKey, ...]:
        known = self._parsed.get(url)
        if known is not None and known[0] is document:
            return known[1]
        try:
            keys = parse_key_set(document or {})
        except ServiceUnavailable as error:
            raise _unavailable(error.message) from None
        self._parsed[url] = document or {}, keys
        return keys


def _choose(keys: tuple[VerifyingKey, ...], algorithm: str, kid: str | None) -> VerifyingKey | None:
    suitable = [key for key in keys if key.suits(algorithm) and (kid is None or key.kid == kid)]
    return suitable[0] if len(suitable) == 1 else None


def _is_as_safe(url: str, target: str) -> bool:
    schemes = {"https"} if urlsplit(url).scheme == "https" else {"http", "https"}
    return urlsplit(target).scheme in schemes


def _unavailable(message: str) -> ServiceUnavailable:
    return ServiceUnavailable(
        f"Authentication Error, {message}. Try again shortly.",
        type="auth_provider_unavailable",
        headers={"retry-after": _RETRY_SECONDS},
    )
