"""What the operator says of who must have logged in at a server, so that its tokens are a user's."""

from typing import Literal

import msgspec

from gateway.domain import McpIdentity

__all__ = ["IdentityBinding"]

_EMAIL, _OPEN_ID = "email", "openid"
_DISCOVERY = "/.well-known/openid-configuration"


class IdentityBinding(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`oauth_identity_binding`: the id token of a login must tell of the user who began it.

    `issuer` is the server's own unless it is said, `jwks_url` what the issuer's discovery document names, and
    `audiences` are what the gateway is called there. `require_email_verified` is so where the address counts.
    """

    mode: Literal["disabled", "audit", "enforce"]
    issuer: str = ""
    jwks_url: str = ""
    audiences: tuple[str, ...] = ()
    principal_claim: str = _EMAIL
    caller_field: Literal["user_email", "user_id", "sso_user_id"] = "user_email"
    require_email_verified: bool | None = None

    @property
    def is_on(self) -> bool:
        """Whether anything is compared."""
        return self.mode != "disabled"

    @property
    def scopes(self) -> tuple[str, ...]:
        """What has to be asked for, so that there is an id token which says enough."""
        if not self.is_on:
            return ()
        return (
            (_OPEN_ID, _EMAIL)
            if self._needs_verified_email or self.principal_claim == _EMAIL
            else (_OPEN_ID,)
        )

    @property
    def _needs_verified_email(self) -> bool:
        stated = self.require_email_verified
        return self.principal_claim == _EMAIL if stated is None else stated

    def build(self, id_token: str, client_id: str, server_issuer: str) -> McpIdentity | None:
        """What is to be compared of a login; None where nothing is."""
        if not self.is_on:
            return None
        issuer = self.issuer or server_issuer
        return McpIdentity(
            id_token=id_token,
            is_enforced=self.mode == "enforce",
            issuer=issuer,
            key_url=self.jwks_url or issuer.rstrip("/") + _DISCOVERY,
            audiences=self.audiences or (client_id,),
            client_id=client_id,
            principal_claim=self.principal_claim,
            caller_field=self.caller_field,
            needs_verified_email=self._needs_verified_email,
        )
