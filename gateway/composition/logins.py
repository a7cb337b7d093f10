"""How people log in: by passwords always, at an identity provider where the environment has one."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

import msgspec

from gateway.cache.documents import Documents
from gateway.clock import Clock
from gateway.db.engine import Database
from gateway.identity.login.build import Logins, SingleSignOn, build_logins
from gateway.identity.records import Records
from gateway.identity.services import Services
from gateway.settings import Settings, ensure_master_key
from gateway.upstream.fetching import Fetcher

__all__ = ["build_all_logins"]


def build_all_logins(
    settings: Settings,
    database: Database,
    records: Records,
    services: Services,
    fetcher: Fetcher,
    documents: Documents[Mapping[str, object]],
    clock: Clock,
) -> Logins:
    """The services of passwords, sessions and invitations, and the login at the provider, if there is one."""
    master = ensure_master_key(settings.environment).key
    logins = build_logins(database, records, settings.login, master, clock)
    if settings.sso is None:
        return logins
    # The library of signatures costs 0.1 s to import: only a gateway with a provider pays for it.
    module: Any = import_module("gateway.identity.login.sso.build")
    made = module.build_sso_login(settings.sso, logins, services, database, fetcher, documents, master, clock)
    # An attribute of a module is Any.
    return msgspec.structs.replace(logins, sso=cast("SingleSignOn", made))
