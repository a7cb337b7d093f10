"""The identity provider as the login sees it: where it is, and what it says of who came back from it."""

import base64
import hmac
from collections.abc import Awaitable, Mapping
from typing import Protocol
from urllib.parse import quote, urlencode, urlsplit

import msgspec

from gateway.cache.documents import Documents, Freshness
from gateway.clock import Clock
from gateway.errors import AuthenticationFailed, ServiceUnavailable
from gateway.identity.login.sso.errand import Errand
from gateway.identity.tokens.claims import Claims
from gateway.identity.tokens.key_sets import Document, KeySets
from gateway.identity.tokens.verification import Verifier
from gateway.settings.jwt import ClaimFields, JwtIssuer, JwtSettings
from gateway.settings.sso import SsoSettings

__all__ = ["Caller", "Provider"]

_DISCOVERY = "/.well-known/openid-configuration"
_LEEWAY_SECONDS = 60.0


class Caller(Protocol):
    """What calls the provider: the gateway's own upstream client."""

    async def read_object(self, url: str, headers: Mapping[str, str] = ...) -> Mapping[str, object]:
        """Return the JSON object at an address; raises ServiceUnavailable."""
        ...

    async def post_form(
        self, url: str, fields: Mapping[str, str], headers: Mapping[str, str]
    ) -> Mapping[str, object]:
        """Post a form, and return the JSON object of the answer, of any status below 500."""
        ...


class _Endpoints(msgspec.Struct, frozen=True):
    authorization: str
    token: str
    user_info: str


class Provider:
    """Speaks OpenID Connect by discovery, or OAuth 2 to three endpoints."""

    def __init__(
        self,
        settings: SsoSettings,
        redirect_uri: str,
        caller: Caller,
        documents: Documents[Document],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._redirect_uri = redirect_uri
        self._caller = caller
        self._documents = documents
        self._freshness = Freshness()
        entry = JwtIssuer(
            issuer=settings.issuer,
            key_urls=(settings.issuer.rstrip("/") + _DISCOVERY,),
            audience=settings.client_id,
            fields=ClaimFields(),
        )
        keys = KeySets(documents, self._freshness)
        self._verifier = Verifier(JwtSettings(issuers=(entry,), leeway=_LEEWAY_SECONDS), keys, clock)

    async def address_for(self, errand: Errand) -> str:
        """Where to send a browser; raises ServiceUnavailable while the provider cannot be read."""
        query = {
            "client_id": self._settings.client_id,
            "redirect_uri": self._redirect_uri,
            "response_type": "code",
            "scope": self._settings.scope,
            "state": errand.state,
            "code_challenge": errand.challenge,
            "code_challenge_method": "S256",
        }
        if self._settings.issuer:
            query["nonce"] = errand.nonce
        endpoint = (await self._endpoints()).authorization
        return endpoint + ("&" if urlsplit(endpoint).query else "?") + urlencode(query)

    async def claims_of(self, errand: Errand, code: str, issuer: str | None) -> Claims:
        """What the provider says of who came back with a code.

        `issuer` is what the answer names as its origin (RFC 9207). Raises AuthenticationFailed for a code or
        token that is not for this login, ServiceUnavailable while the provider cannot be read.
        """
        if issuer is not None and self._settings.issuer and issuer != self._settings.issuer:
            raise refuse("The answer is another identity provider's.")
        endpoints = await self._endpoints()
        granted = await self._redeem(endpoints.token, code, errand.verifier)
        if not self._settings.issuer:
            return Claims(await self._user_info(endpoints, granted))
        identity = granted.get("id_token")
        if not isinstance(identity, str):
            raise refuse("The identity provider gave no ID token; the scope must have 'openid' in it.")
        verified = await self._verifier.verify(identity)
        self._check_is_ours(verified.claims, errand)
        if self._is_enough(verified.claims) or not endpoints.user_info:
            return verified.claims
        more = await self._user_info(endpoints, granted)
        if more.get("sub") != verified.claims.find("sub"):
            raise refuse("The identity provider tells of somebody else.")
        return verified.claims.beside(more)

    def _check_is_ours(self, claims: Claims, errand: Errand) -> None:
        nonce, party = claims.find("nonce"), claims.find("azp")
        if not isinstance(nonce, str) or not hmac.compare_digest(nonce.encode(), errand.nonce.encode()):
            raise refuse("The ID token was made for another login.")
        if party is not None and party != self._settings.client_id:
            raise refuse("The ID token was made for another application.")

    def _is_enough(self, claims: Claims) -> bool:
        return (
            claims.find(self._settings.id_claim) is not None
            and claims.find(self._settings.email_claim) is not None
        )

    async def _redeem(self, url: str, code: str, verifier: str) -> Mapping[str, object]:
        """Exchange a code for tokens (RFC 6749 section 4.1.3, with the client's secret as Basic)."""
        settings = self._settings
        pair = f"{quote(settings.client_id, safe='')}:{quote(settings.client_secret.reveal(), safe='')}"
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._redirect_uri,
            "client_id": settings.client_id,
            "code_verifier": verifier,
        }
        basic = "Basic " + base64.b64encode(pair.encode()).decode()
        granted = await _ask(self._caller.post_form(url, fields, {"authorization": basic}))
        if not isinstance(granted.get("access_token"), str):
            raise refuse("The identity provider did not accept the code; begin the login again.")
        return granted

    async def _user_info(self, endpoints: _Endpoints, granted: Mapping[str, object]) -> Mapping[str, object]:
        bearer = {"authorization": f"Bearer {granted['access_token']}"}
        return await _ask(self._caller.read_object(endpoints.user_info, bearer))

    async def _endpoints(self) -> _Endpoints:
        if self._settings.endpoints:
            return _Endpoints(*self._settings.endpoints)
        url = self._settings.issuer.rstrip("/") + _DISCOVERY
        document = await _ask(self._documents.get(url, self._freshness))
        if document.get("issuer") != self._settings.issuer:
            raise _unavailable("The discovery document of the identity provider is another issuer's.")
        found = [document.get(f"{name}_endpoint") for name in ("authorization", "token", "userinfo")]
        texts = [item if isinstance(item, str) and _is_as_safe(url, item) else "" for item in found]
        if not texts[0] or not texts[1]:
            raise _unavailable("The discovery document of the identity provider names no endpoints.")
        return _Endpoints(*texts)


async def _ask(call: Awaitable[Mapping[str, object]]) -> Mapping[str, object]:
    try:
        return await call
    except ServiceUnavailable:
        raise _unavailable("The identity provider cannot be reached.") from None


def _is_as_safe(url: str, target: str) -> bool:
    schemes = {"https"} if urlsplit(url).scheme == "https" else {"http", "https"}
    return urlsplit(target).scheme in schemes


def _unavailable(message: str) -> ServiceUnavailable:
    return ServiceUnavailable(f"{message} Try again shortly.", type="auth_provider_unavailable")


def refuse(message: str) -> AuthenticationFailed:
    """The refusal of an answer that is not one to this login."""
    return AuthenticationFailed(f"Authentication Error, {message}")
