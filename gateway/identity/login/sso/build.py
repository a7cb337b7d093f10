"""Putting the login at an identity provider together; imported only where the environment has one."""

from gateway.cache.documents import Documents
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.domain import Secret
from gateway.identity.login.sso.errand import ErrandSeal
from gateway.identity.login.sso.provider import Caller, Provider
from gateway.identity.login.sso.service import SsoLogin
from gateway.identity.login.store import LoginStore
from gateway.identity.services import Services
from gateway.identity.tokens.arrivals import TokenArrivals
from gateway.identity.tokens.key_sets import Document
from gateway.identity.tokens.naming import Naming
from gateway.identity.tokens.store import TokenStore
from gateway.settings.jwt import JwtSettings
from gateway.settings.sso import SsoSettings

__all__ = ["build_sso_login"]

_CALLBACK = "/sso/callback"
# Whoever logs in is made a user, and keeps the role that the provider gives.
_ARRIVING = JwtSettings(user_id_upsert=True, sync_user_role_and_teams=True)


def build_sso_login(
    settings: SsoSettings,
    base_url: str,
    services: Services,
    database: Database,
    caller: Caller,
    documents: Documents[Document],
    master: Secret,
    clock: Clock,
) -> SsoLogin:
    """The login at the provider, which sends browsers back to `base_url`.

    `caller` calls the provider, `master` seals what browsers carry.
    """
    redirect_uri = base_url + _CALLBACK
    provider = Provider(settings, redirect_uri, caller, documents, clock)
    naming = Naming(TokenStore(database), TokenArrivals(services, _ARRIVING), _ARRIVING)
    seal = ErrandSeal(master, clock)
    return SsoLogin(settings, provider, seal, naming, LoginStore(database))
