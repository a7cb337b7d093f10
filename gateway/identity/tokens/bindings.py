"""Whether who has logged in at an MCP server is the gateway's user who began the login."""

import hmac
from typing import cast

import structlog

from gateway.audit.changes import Action, Audited, Change
from gateway.audit.trail import Actor
from gateway.cache.documents import Documents, Freshness
from gateway.domain import McpArrival, McpIdentity
from gateway.errors import AuthenticationFailed, PermissionDenied, ServiceUnavailable
from gateway.identity.records import Records
from gateway.identity.tokens.claims import Claims
from gateway.identity.tokens.key_sets import Document, KeySets
from gateway.identity.tokens.store import TokenStore
from gateway.identity.tokens.verification import Verifier
from gateway.settings.jwt import ClaimFields, JwtIssuer, JwtSettings

__all__ = ["McpIdentities"]

_LEEWAY_SECONDS = 60.0
_EMAIL = "user_email"
_TRUE = (True, "true")


class McpIdentities:
    """Verifies id tokens of logins, and compares them with users. Raises DatabaseUnavailable."""

    def __init__(self, records: Records, store: TokenStore, documents: Documents[Document]) -> None:
        self._records = records
        self._store = store
        self._keys = KeySets(documents, Freshness())

    async def check(self, arrival: McpArrival) -> str:
        """What speaks against storing what a login has brought, where that is only to be noted; else empty.

        Raises PermissionDenied where it is enforced, and ServiceUnavailable while nobody can tell.
        """
        identity = arrival.identity
        if identity is None:
            return ""
        try:
            reason = await self._judge(identity, arrival.user_id)
        except ServiceUnavailable as error:
            if identity.is_enforced:
                raise
            reason = error.message
        if reason:
            await self._note(arrival, reason, is_enforced=identity.is_enforced)
        return reason

    async def _judge(self, identity: McpIdentity, user_id: str) -> str:
        if not identity.id_token:
            return "the authorization server told of nobody (no id_token)"
        try:
            claims = await self._verify(identity)
            principal = claims.text(identity.principal_claim)
        except AuthenticationFailed as error:
            return error.message
        if principal is None:
            return f"the id_token has no '{identity.principal_claim}'"
        if identity.needs_verified_email and claims.find("email_verified") not in _TRUE:
            return "the id_token does not say that the address was verified ('email_verified')"
        names = await self._store.find_names(user_id)
        own = (names or {}).get(identity.caller_field)
        if not own:
            return f"the user has no '{identity.caller_field}'"
        is_same = hmac.compare_digest(*(_normal(one, identity.caller_field) for one in (principal, own)))
        return "" if is_same else f"'{identity.principal_claim}' is not the user's '{identity.caller_field}'"

    async def _verify(self, identity: McpIdentity) -> Claims:
        entry = JwtIssuer(
            issuer=identity.issuer,
            key_urls=(identity.key_url,),
            audience=None,
            takes_any_audience=True,
            fields=ClaimFields(),
        )
        settings = JwtSettings(issuers=(entry,), leeway=_LEEWAY_SECONDS)
        claims = (await Verifier(settings, self._keys, self._records.clock).verify(identity.id_token)).claims
        _check_audiences(claims, identity)
        return claims

    async def _note(self, arrival: McpArrival, reason: str, *, is_enforced: bool) -> None:
        """Raises PermissionDenied where it is enforced."""
        log = structlog.get_logger(__name__)
        place = {"server_id": arrival.server_id, "user_id": arrival.user_id}
        log.warning("mcp_identity_mismatch", **place, reason=reason, is_enforced=is_enforced)
        if not is_enforced:
            return
        row = {"server_id": arrival.server_id, "identity_binding": reason}
        name = f"{arrival.user_id}:{arrival.server_id}"
        change = Change(Action.BLOCKED, Audited.MCP_USER_CREDENTIAL, name, None, row)
        await self._records.audit.record(Actor(arrival.user_id), change)
        raise PermissionDenied(
            f"Who has logged in at the MCP server '{arrival.server_id}' is not known to be you: {reason}. "
            "Nothing was stored. Log in there as yourself, or ask an administrator, who can see to "
            "'oauth_identity_binding' of the server.",
            type="mcp_identity_mismatch",
        )


def _check_audiences(claims: Claims, identity: McpIdentity) -> None:
    """Raise AuthenticationFailed for a token that was made for another application."""
    said, party = claims.find("aud"), claims.find("azp")
    named = cast("list[object]", said) if isinstance(said, list) else [said]
    if not any(one in identity.audiences for one in named):
        raise AuthenticationFailed("the id_token was made for another application ('aud')")
    if party is not None and party not in (identity.client_id, *identity.audiences):
        raise AuthenticationFailed("the id_token was made for another application ('azp')")


def _normal(name: str, field: str) -> bytes:
    """Addresses are the same in whatever case; of ASCII only, in which no two letters look alike."""
    encoded = name.encode()
    return encoded.lower() if field == _EMAIL else encoded
