"""Putting the authentication by tokens together; imported only where the configuration has it."""

from gateway.cache.documents import Documents, Freshness
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.identity.hookimpls import KeyAuthentication
from gateway.identity.principals import Principals
from gateway.identity.services import Services
from gateway.identity.tokens.arrivals import TokenArrivals
from gateway.identity.tokens.callers import Callers
from gateway.identity.tokens.hookimpls import TokenAuthentication
from gateway.identity.tokens.key_sets import Document, KeySets
from gateway.identity.tokens.mapped import MappedKeys
from gateway.identity.tokens.naming import Naming
from gateway.identity.tokens.store import TokenStore
from gateway.identity.tokens.verification import Verifier
from gateway.settings.jwt import JwtSettings

__all__ = ["build_token_authentication"]


def build_token_authentication(
    settings: JwtSettings,
    keys: KeyAuthentication,
    principals: Principals,
    database: Database,
    documents: Documents[Document],
    services: Services,
    clock: Clock,
) -> TokenAuthentication:
    """The hook `authenticate` that takes tokens, and hands everything else to `keys`."""
    store = TokenStore(database)
    naming = Naming(store, TokenArrivals(services, settings), settings)
    callers = Callers(store, naming, principals, clock, settings)
    mapped = MappedKeys(services.mappings, principals, clock, settings)
    freshness = Freshness(ttl=settings.public_key_ttl, stale=settings.public_key_stale_ttl)
    verifier = Verifier(settings, KeySets(documents, freshness), clock)
    return TokenAuthentication(keys, verifier, callers, mapped, clock, settings)
