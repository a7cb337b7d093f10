"""How people log in: by passwords always, at an identity provider where environment or database have one."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any, cast

from gateway.cache.documents import Documents
from gateway.clock import Clock
from gateway.db.asking import Colleagues
from gateway.db.engine import Database
from gateway.identity.login.build import Logins, build_logins
from gateway.identity.login.current import CurrentProvider, SingleSignOn
from gateway.identity.records import Records
from gateway.identity.services import Services
from gateway.settings import Settings, ensure_master_key
from gateway.settings.sso import SsoSettings
from gateway.upstream.fetching import Fetcher

__all__ = ["build_all_logins"]


def build_all_logins(
    settings: Settings,
    environ: Mapping[str, str],
    database: Database,
    records: Records,
    services: Services,
    fetcher: Fetcher,
    documents: Documents[Mapping[str, object]],
    clock: Clock,
    colleagues: Colleagues,
) -> Logins:
    """The services of passwords, sessions and invitations, and the login at the provider of `environ`.

    Raises ConfigError.
    """
    master = ensure_master_key(settings.environment).key

    def build(sso: SsoSettings, base_url: str) -> SingleSignOn:
        # The library of signatures costs 0.1 s to import: only a gateway with a provider pays for it.
        module: Any = import_module("gateway.identity.login.sso.build")
        made = module.build_sso_login(sso, base_url, services, database, fetcher, documents, master, clock)
        # An attribute of a module is Any.
        return cast("SingleSignOn", made)

    provider = CurrentProvider(environ, build)
    return build_logins(database, records, settings.login, provider, master, clock, colleagues)
