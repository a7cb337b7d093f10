"""The rules of logging in at an identity provider: whom it names, and whether that one is let in."""

import hmac

import msgspec

from gateway.db.rows import Columns
from gateway.domain import Role
from gateway.errors import AuthenticationFailed, NotFound, PermissionDenied
from gateway.identity.login.sso.answer import Arrived, SsoAnswer
from gateway.identity.login.sso.errand import Errand, ErrandSeal, new_errand
from gateway.identity.login.sso.provider import Provider, refuse
from gateway.identity.login.store import LoginStore
from gateway.identity.tokens.claims import Claims
from gateway.identity.tokens.identity import TokenIdentity
from gateway.identity.tokens.naming import Naming
from gateway.settings.sso import SsoSettings

__all__ = ["SsoLogin"]

_ROLES = {
    role.value: role
    for role in (Role.PROXY_ADMIN, Role.PROXY_ADMIN_VIEWER, Role.INTERNAL_USER, Role.INTERNAL_USER_VIEWER)
}
_LONGEST_CODE = 4_096


class SsoLogin:
    """Logs people in at one provider. All methods raise ServiceUnavailable while it cannot be read."""

    def __init__(
        self,
        settings: SsoSettings,
        provider: Provider,
        seal: ErrandSeal,
        naming: Naming,
        store: LoginStore,
    ) -> None:
        self.name = settings.provider
        self._settings = settings
        self._provider = provider
        self._seal = seal
        self._naming = naming
        self._store = store

    async def begin(self, return_to: str, terminal: str = "") -> tuple[str, str]:
        """Where to send the browser, and what it carries in a cookie meanwhile."""
        errand = new_errand(return_to, terminal)
        return await self._provider.address_for(errand), self._seal.close(errand)

    async def begin_trial(self) -> tuple[str, str]:
        """The same for who only wants to see what the provider says; raises NotFound where nobody may."""
        if not self._settings.may_be_tried:
            raise NotFound(
                "Nobody may try the identity provider out here. The operator permits it by the "
                "variable SSO_DEBUG=true."
            )
        errand = msgspec.structs.replace(new_errand(""), is_trial=True)
        return await self._provider.address_for(errand), self._seal.close(errand)

    async def finish(self, answer: SsoAnswer, carried: str | None) -> Arrived:
        """Say who came back, and what for.

        Raises AuthenticationFailed for an answer that is not one to this browser's login, PermissionDenied
        for who is not let in.
        """
        errand = self._find_errand(answer, carried)
        code = answer.code or ""
        if answer.error is not None or not 0 < len(code) <= _LONGEST_CODE:
            raise refuse("The identity provider let nobody in. Begin the login again.")
        claims = await self._provider.claims_of(errand, code, answer.issuer)
        if errand.is_trial:
            return Arrived(user={}, told=self._tell(claims))
        user = await self._user(claims)
        return Arrived(user=user, return_to=errand.return_to, terminal=errand.terminal)

    def _tell(self, claims: Claims) -> Columns:
        """What the provider says of somebody, and what that comes to here; nobody is made a user by it."""
        settings = self._settings
        told = {
            "provider": self.name,
            "user_id": {"claim": settings.id_claim, "value": claims.find(settings.id_claim)},
            "email": {"claim": settings.email_claim, "value": claims.find(settings.email_claim)},
            "role": {"claim": settings.role_claim, "value": claims.find(settings.role_claim or None)},
        }
        try:
            identity = self._identify(claims)
        except (AuthenticationFailed, PermissionDenied) as refusal:
            return {**told, "is_let_in": False, "refusal": refusal.message, "claims": claims.shown()}
        role = identity.role.value if identity.role else None
        return {**told, "is_let_in": True, "role_here": role, "claims": claims.shown()}

    def _find_errand(self, answer: SsoAnswer, carried: str | None) -> Errand:
        errand = self._seal.open(carried or "", Errand)
        state = (answer.state or "").encode("utf-8", "surrogatepass")
        if errand is None or not hmac.compare_digest(state, errand.state.encode()):
            raise refuse("This browser began no such login, or took too long. Begin it again.")
        return errand

    async def _user(self, claims: Claims) -> Columns:
        identity = self._identify(claims)
        named = await self._naming.find(identity)
        users = await self._store.list_users(named.user_id or "")
        user = next((user for user in users if user["user_id"] == named.user_id), None)
        if user is None or user["scim_active"] == "false":
            raise PermissionDenied("This account was deactivated. Ask an administrator.")
        return user

    def _identify(self, claims: Claims) -> TokenIdentity:
        settings = self._settings
        user_id, email = claims.text(settings.id_claim), claims.text(settings.email_claim)
        is_denied = claims.find("email_verified") in (False, "false")
        if user_id is None:
            raise refuse(f"The identity provider says no '{settings.id_claim}' of who logged in.")
        domain = (email or "").rpartition("@")[2].lower()
        if settings.allowed_domains and (
            is_denied or email is None or domain not in settings.allowed_domains
        ):
            raise PermissionDenied(
                "This gateway lets in users by the domain of their address, and not of yours."
            )
        role = _ROLES.get(claims.text(settings.role_claim or None) or "")
        if self._is_administrator(user_id, email, claims):
            role = Role.PROXY_ADMIN
        return TokenIdentity(
            issuer=settings.issuer or settings.provider,
            user_id=user_id,
            user_email=None if is_denied else email,
            is_email_proven=settings.trusts_addresses or _is_verified(claims),
            role=role,
        )

    def _is_administrator(self, user_id: str, email: str | None, claims: Claims) -> bool:
        """Whether the operator named this user; an address must be verified, for people choose theirs."""
        settings = self._settings
        if settings.admin_id and user_id == settings.admin_id:
            return True
        return _is_verified(claims) and bool(email) and (email or "").lower() == settings.admin_email


def _is_verified(claims: Claims) -> bool:
    return claims.find("email_verified") in (True, "true")
